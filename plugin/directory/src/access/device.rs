//! Devices on the network. They have no name but their Ethernet address, so a name that no user
//! has and that is an address, in whatever spelling, is a device's (MAC authentication bypass).

use super::decision::MAX_NAME;
use super::rlm_rest::Asked;
use super::{Allowed, Decision, Denial, NetworkSession};
use crate::Directory;
use crate::environment::{Clock, Entropy};
use crate::keys::Kind;
use crate::kv::{Kv, Range};
use crate::session::Session;
use scim::Error;
use scim::mac::MacAddress;
use scim::resource::{Resource, Value};
use scim::schema::Registry;
use scim::text::fold;

/// Who has a name on the network.
#[derive(Debug)]
pub(super) struct Holder {
    /// A user or a device.
    pub(super) kind: Kind<'static>,
    pub(super) id: String,
}

impl<K: Kv, C: Clock, E: Entropy> Directory<K, C, E> {
    /// Who has a name: the user who has it as `userName`; else the device whose address it is.
    ///
    /// # Errors
    /// [`Error::Unavailable`], and when the token is no longer valid.
    pub(super) async fn holder_of_name(
        &self,
        session: &mut Session<'_>,
        name: &str,
    ) -> Result<Option<Holder>, Error> {
        if name.len() > MAX_NAME {
            return Ok(None);
        }
        let keys = &session.keys;
        let mut places = vec![(Kind::User, keys.user_name(&fold(name)))];
        if let Some(address) = MacAddress::parse(name) {
            let key = keys.device_address(&fold(&address.to_string()));
            places.push((Kind::Device, key));
        }
        let ranges = places.iter().map(|(_, key)| Range::one(key.clone()));
        let replies = self.ranges(session, ranges.collect()).await?;
        let mut holders = places
            .into_iter()
            .zip(replies)
            .filter_map(|((kind, _), reply)| {
                let id = reply.kvs.into_iter().next()?.value;
                let id = String::from_utf8(id).ok()?;
                Some(Holder { kind, id })
            });
        Ok(holders.next())
    }
}

impl Holder {
    /// Whether the one who is called this is the one who was asked for by a name.
    pub(super) fn is(&self, called: &str, name: &str) -> bool {
        match self.kind {
            Kind::Device => {
                MacAddress::parse(called).is_some_and(|one| Some(one) == MacAddress::parse(name))
            }
            _ => fold(called) == fold(name),
        }
    }
}

/// The decision about whoever a RADIUS request names, by the one about that name. A device is let
/// in at its own address only: who is known to be elsewhere has typed the address as a name.
pub(super) fn of_request(decision: Decision, asked: &Asked) -> Decision {
    let elsewhere = |allowed: &Allowed| {
        let station = asked.calling_station();
        allowed.is_device
            && !station.is_empty()
            && MacAddress::parse(station) != MacAddress::parse(&allowed.user_name)
    };
    match decision.allowed().is_some_and(elsewhere) {
        true => Decision::Denied(Denial::UnknownUser),
        false => decision,
    }
}

impl Decision {
    /// The decision about a session's user or device, if it lets the session go on. The address of
    /// a device is all that it shows of itself: at another one it is another device.
    pub(crate) fn lets_stay(&self, session: &NetworkSession) -> Option<&Allowed> {
        let told = [&session.user_name, &session.calling_station_id];
        let told = told.into_iter().find_map(|text| MacAddress::parse(text));
        let is_it = |allowed: &&Allowed| {
            let address = MacAddress::parse(&allowed.user_name);
            !allowed.is_device || told.is_none() || told == address
        };
        self.allowed().filter(is_it)
    }
}

/// The address of a device, if it has one.
pub(super) fn address<'d>(registry: &Registry, device: &'d Resource) -> Option<&'d str> {
    let address = registry.core().device_mac_address;
    let extension = registry.attribute(address).parent?;
    let extension = device.get(extension).and_then(Value::as_complex)?;
    extension.text(address)
}
