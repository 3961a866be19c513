//! The endpoints that tell what the service can do (RFC 7644 §4).

use crate::Directory;
use crate::config::OnDelete;
use crate::session::Session;
use scim::discovery::{self, Settings};
use scim::json::Quoted;
use scim::projection::Projection;
use scim::resource::{Resource, to_client};
use scim::{
    Error,
    message::{self, Place},
};

/// What `count` a service provider of the interoperability profile must honour.
const PROFILE_COUNT: usize = 100;

/// A document that is the same until the configuration is another one.
pub(crate) struct Document {
    pub(crate) body: Vec<u8>,
    /// Its `meta.location`; a list has none.
    pub(crate) location: Option<String>,
}

impl<K, C, E> Directory<K, C, E> {
    pub(crate) fn service_provider_config(&self, session: &Session<'_>) -> Document {
        let limits = &self.config.limits;
        let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let documentation = self.config.documentation_url.as_ref();
        let settings = Settings {
            documentation_uri: documentation.map(|url| url.as_str().to_owned()),
            interop_profile_conformant: self.conforms(session),
            filter_max_results: number(limits.max_count),
            default_page_size: number(limits.default_count),
            max_page_size: number(limits.max_count),
            cursor_timeout: self.config.cursor_timeout_seconds,
            bulk_max_operations: number(limits.max_bulk_operations),
            bulk_max_payload_size: number(limits.max_body_bytes),
        };
        let mut config = discovery::service_provider_config(&self.registry, &settings);
        let location = format!("{}/ServiceProviderConfig", session.base_url);
        discovery::set_location(&self.registry, &mut config, location.clone());
        Document {
            body: to_client(&self.registry, &config, &Projection::all()),
            location: Some(location),
        }
    }

    /// Whether everything holds that the interoperability profile asks of a service
    /// provider; what it asks of requests, strict mode does.
    fn conforms(&self, session: &Session<'_>) -> bool {
        session.mode().is_strict()
            && self.config.on_delete == OnDelete::Retain
            && self.config.limits.max_count >= PROFILE_COUNT
            && discovery::names_all_types(&self.registry)
    }

    pub(crate) fn schemas(&self, session: &Session<'_>) -> Document {
        self.all(session, "Schemas", discovery::schemas(&self.registry))
    }

    /// A schema by its URN. URNs are compared without regard to case, as they
    /// are everywhere else.
    pub(crate) fn schema(&self, session: &Session<'_>, urn: &str) -> Result<Document, Error> {
        let found = discovery::schemas(&self.registry)
            .into_iter()
            .find(|s| self.id(s).eq_ignore_ascii_case(urn));
        let found = found.ok_or_else(|| unknown("schema", urn))?;
        Ok(self.one(session, "Schemas", found))
    }

    pub(crate) fn resource_types(&self, session: &Session<'_>) -> Document {
        let all = discovery::resource_types(&self.registry);
        self.all(session, "ResourceTypes", all)
    }

    pub(crate) fn resource_type_named(
        &self,
        session: &Session<'_>,
        name: &str,
    ) -> Result<Document, Error> {
        let found = discovery::resource_types(&self.registry)
            .into_iter()
            .find(|t| self.id(t) == name);
        let found = found.ok_or_else(|| unknown("resource type", name))?;
        Ok(self.one(session, "ResourceTypes", found))
    }

    fn all(&self, session: &Session<'_>, endpoint: &str, found: Vec<Resource>) -> Document {
        let written: Vec<_> = found
            .into_iter()
            .map(|resource| self.one(session, endpoint, resource).body)
            .collect();
        let total = u64::try_from(written.len()).unwrap_or(u64::MAX);
        Document {
            body: message::list_response(total, &Place::StartIndex(1), &written),
            location: None,
        }
    }

    fn one(&self, session: &Session<'_>, endpoint: &str, mut found: Resource) -> Document {
        let location = format!("{}/{endpoint}/{}", session.base_url, self.id(&found));
        discovery::set_location(&self.registry, &mut found, location.clone());
        Document {
            body: to_client(&self.registry, &found, &Projection::all()),
            location: Some(location),
        }
    }

    fn id<'r>(&self, resource: &'r Resource) -> &'r str {
        resource.text(self.registry.core().id).unwrap_or_default()
    }
}

fn unknown(what: &str, id: &str) -> Error {
    Error::NoResource {
        resource_type: what.to_owned(),
        id: Quoted::from(id),
    }
}
