//! Changes of a group's members that can be made without knowing the others.

use super::{Op, Operation, Patch};
use crate::resource::Value;
use crate::schema::Registry;

/// A member of a group, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of the user or group.
    pub value: String,
    /// `User` or `Group`, when the client said.
    pub kind: Option<String>,
    /// A name for display.
    pub display: Option<String>,
    /// The URI that the client gave in `$ref`.
    pub reference: Option<String>,
}

/// One member to be added or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Add this one, or change what is said of it.
    Add(Member),
    /// Remove the one with this id; no error when it is none.
    Remove(String),
}

impl Member {
    /// Reads an element of `members`; nothing when it has no `value`.
    #[must_use]
    pub fn from_value(registry: &Registry, element: &Value) -> Option<Self> {
        let core = registry.core();
        let element = element.as_complex()?;
        let text = |id| element.text(id).map(str::to_owned);
        Some(Self {
            value: text(core.members_value)?,
            kind: text(core.members_type),
            display: text(core.members_display),
            reference: text(core.members_ref),
        })
    }
}

impl Patch {
    /// What the request does to the members of a group, in its order, when every
    /// operation on `members` adds members or removes named ones. Then the member
    /// list need not be read, however long it is. Nothing when an operation needs
    /// the list: a replacement, a removal of all, or of those that a filter finds.
    ///
    /// The other operations are for
    /// [`apply_besides_members`](Self::apply_besides_members).
    #[must_use]
    pub fn member_changes(&self, registry: &Registry) -> Option<Vec<MemberChange>> {
        let members = registry.core().members;
        let mut changes = Vec::new();
        for operation in &self.operations {
            if operation.path.attribute == members {
                changes.extend(changes_of(registry, operation)?);
            }
        }
        Some(changes)
    }
}

fn changes_of(registry: &Registry, operation: &Operation) -> Option<Vec<MemberChange>> {
    let value_id = registry.core().members_value;
    let path = &operation.path;
    match (operation.op, &operation.value, &path.selection) {
        (Op::Add, Some(value), None) if path.sub_attribute.is_none() => value
            .elements()
            .iter()
            .map(|element| Member::from_value(registry, element).map(MemberChange::Add))
            .collect(),
        (Op::Remove, None, Some(selection))
            if path.sub_attribute.is_none_or(|sub| sub == value_id) =>
        {
            let named = selection.alternatives(value_id)?;
            let remove = |id: &str| MemberChange::Remove(id.to_owned());
            Some(named.into_iter().map(remove).collect())
        }
        _ => None,
    }
}
