//! What is done to a resource, a policy, a token or a tenant: the second half of an event's type.

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Replace,
    Patch,
    Delete,
    /// A deleted one comes back.
    Restore,
    /// A token gets a successor.
    Rotate,
    Revoke,
}

impl Action {
    pub(crate) const ALL: [Self; 7] = [
        Self::Create,
        Self::Replace,
        Self::Patch,
        Self::Delete,
        Self::Restore,
        Self::Rotate,
        Self::Revoke,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
        }
    }
}
