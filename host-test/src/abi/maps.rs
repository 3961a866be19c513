//! Header maps. A map that is not there now is `BadArgument` (in `on_log`, `NotFound`).

use super::guest::Guest;
use crate::headers::{Headers, saturate};
use crate::pairs;
use crate::status::{Outcome, Status};

/// The highest map number of the ABI (trailers of an HTTP call's response).
const LAST_MAP: u32 = 7;

fn known(map: u32) -> Result<(), Status> {
    if map > LAST_MAP {
        Err(Status::BadArgument)
    } else {
        Ok(())
    }
}

fn writable<'a>(guest: &'a mut Guest<'_>, map: u32) -> Result<&'a mut Headers, Status> {
    let stream = guest.state_mut().stream_mut();
    stream
        .and_then(|stream| stream.map_mut(map))
        .ok_or(Status::BadArgument)
}

pub(super) fn pairs(guest: &mut Guest<'_>, map: u32, pairs: u32, size: u32) -> Outcome {
    known(map)?;
    // Envoy gives an empty list, not an error, for a map that is not there.
    let blob = guest
        .state()
        .map(map)
        .map(|map| pairs::encode(map.pairs()))
        .unwrap_or_default();
    guest.give(&blob, pairs, size)
}

pub(super) fn set_pairs(guest: &mut Guest<'_>, map: u32, pairs: u32, size: u32) -> Outcome {
    known(map)?;
    let pairs = pairs::decode(guest.bytes(pairs, size)?);
    writable(guest, map)?.replace_all(pairs);
    Ok(())
}

pub(super) fn size(guest: &mut Guest<'_>, map: u32, size: u32) -> Outcome {
    known(map)?;
    let bytes = guest
        .state()
        .map(map)
        .ok_or(Status::BadArgument)?
        .byte_size();
    Ok(guest.write_u32(size, saturate(bytes))?)
}

pub(super) fn value(
    guest: &mut Guest<'_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Outcome {
    known(map)?;
    let name = guest.bytes(name, name_size)?.to_ascii_lowercase();
    let found = match guest.state().map(map) {
        Some(map) => map.first(&name).ok_or(Status::NotFound)?.to_vec(),
        None if guest.state().stream().is_some_and(|stream| stream.logging) => {
            return Err(Status::NotFound.into());
        }
        None => return Err(Status::BadArgument.into()),
    };
    guest.give(&found, value, size)
}

pub(super) fn add(
    guest: &mut Guest<'_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Outcome {
    known(map)?;
    let (name, value) = (guest.copy(name, name_size)?, guest.copy(value, size)?);
    writable(guest, map)?.add(&name, &value);
    Ok(())
}

pub(super) fn replace(
    guest: &mut Guest<'_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Outcome {
    known(map)?;
    let (name, value) = (guest.copy(name, name_size)?, guest.copy(value, size)?);
    writable(guest, map)?.set(&name, &value);
    Ok(())
}

pub(super) fn remove(guest: &mut Guest<'_>, map: u32, name: u32, name_size: u32) -> Outcome {
    known(map)?;
    let name = guest.copy(name, name_size)?;
    writable(guest, map)?.remove(&name);
    Ok(())
}
