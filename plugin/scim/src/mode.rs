//! How far a request may stray from the letter of the standards.

use serde::{Deserialize, Serialize};

/// What is made of a request that is not quite what RFC 7643 and RFC 7644 want.
///
/// Each tolerance asks for the mode where it is granted, so that one service can
/// serve the identity providers as they are and be certified against the SCIM
/// interoperability profile (draft-zollner-scim-interop-profile).
///
/// ```
/// use scim::{Error, Mode, json, resource::from_client, schema::Registry};
///
/// let registry = Registry::standard().unwrap();
/// let user = registry.core().user;
/// let body = br#"{"userName": "bjensen", "active": "True", "hobbies": ["tennis"]}"#;
/// let body = json::parse(body, json::MAX_DEPTH).unwrap();
/// assert!(from_client(&registry, user, &body, Mode::Lenient).is_ok());
/// assert!(from_client(&registry, user, &body, Mode::Strict).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What identity providers really send is understood as it is meant.
    #[default]
    Lenient,
    /// What the profile tells a service provider to refuse is refused, and so is
    /// whatever else only a tolerance of ours would take.
    Strict,
}

impl Mode {
    /// Whether nothing is to be tolerated.
    #[must_use]
    pub fn is_strict(self) -> bool {
        self == Self::Strict
    }
}
