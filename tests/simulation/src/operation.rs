//! What clients ask for.

use crate::answer::Said;
use crate::state::{Id, User};
use crate::tenants::Caller;

/// A request of a client.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) caller: Caller,
    pub(crate) op: Op,
    /// The version that `If-Match` names, or of a read `If-None-Match`.
    pub(crate) version: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    CreateUser(UserForm),
    ReplaceUser(Id, UserForm),
    PatchUser(Id, Vec<UserChange>),
    DeleteUser(Id),
    GetUser(Id),
    CreateGroup(GroupForm),
    ReplaceGroup(Id, GroupForm),
    PatchGroup(Id, Vec<GroupChange>),
    DeleteGroup(Id),
    /// Whether with its members.
    GetGroup(Id, bool),
    List(Query),
    /// Writes, the first of which may be referred to by the others: see [`bulk_id`].
    Bulk(Vec<Self>),
    /// The administrator revokes this token.
    Revoke(Caller),
    /// The edge cleans up what large changes left.
    Sweep,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct UserForm {
    pub(crate) name: String,
    pub(crate) external: Option<String>,
    pub(crate) emails: Vec<String>,
    pub(crate) active: Option<bool>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct GroupForm {
    pub(crate) name: String,
    pub(crate) external: Option<String>,
    pub(crate) members: Vec<Member>,
}

/// A member to be, and its label.
pub(crate) type Member = (Id, Option<String>);

#[derive(Clone, Debug)]
pub(crate) enum UserChange {
    Name(String),
    Active(bool),
    External(Option<String>),
    AddEmail(String),
    RemoveEmails,
}

#[derive(Clone, Debug)]
pub(crate) enum GroupChange {
    Name(String),
    External(Option<String>),
    Add(Vec<Member>),
    Remove(Vec<Id>),
    Set(Vec<Member>),
}

/// A list of users or groups.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) of: Kind,
    pub(crate) filter: Option<Filter>,
    pub(crate) paging: Paging,
    /// Whether it comes as a POST to `/.search`.
    pub(crate) search: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Name(String),
    External(String),
    Email(String),
    Active(bool),
    /// Users who are in a group, groups that have a member.
    Membership(Id),
}

#[derive(Clone, Debug)]
pub(crate) enum Paging {
    Index {
        start: usize,
        count: usize,
    },
    /// A page of a walk.
    Cursor {
        walk: Walk,
        count: usize,
    },
}

/// How far a walk has come; at its beginning nowhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    pub(crate) cursor: Option<String>,
    /// How many resources it has shown.
    pub(crate) shown: usize,
    /// The revisions of which all its pages were true.
    pub(crate) revisions: Vec<i64>,
}

/// What stands for the resource that the first operation of a bulk request creates.
pub(crate) fn bulk_id() -> Id {
    "bulkId:0".into()
}

impl Query {
    /// Where this page of a walk leads: to the next one, to itself if it was not got, or
    /// nowhere.
    pub(crate) fn next_page(&self, said: &Said) -> Option<Self> {
        let mut next = self.clone();
        let walk = next.walk_mut()?;
        match said.status {
            200 => {
                walk.shown += said.body["Resources"].as_array().map_or(0, Vec::len);
                walk.cursor = Some(said.next_cursor()?.to_owned());
                Some(next)
            }
            503 => Some(next),
            _ => None,
        }
    }

    pub(crate) fn walk_mut(&mut self) -> Option<&mut Walk> {
        match &mut self.paging {
            Paging::Cursor { walk, .. } => Some(walk),
            Paging::Index { .. } => None,
        }
    }
}

impl Op {
    pub(crate) fn writes(&self) -> bool {
        !matches!(self, Self::GetUser(_) | Self::GetGroup(..) | Self::List(_))
    }

    /// The walk that it goes on with.
    pub(crate) fn walk(&self) -> Option<&Walk> {
        match self {
            Self::List(Query {
                paging: Paging::Cursor { walk, .. },
                ..
            }) => Some(walk),
            _ => None,
        }
    }

    /// Its name in an event; empty for what leaves none.
    pub(crate) fn event(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "user.create",
            Self::ReplaceUser(..) => "user.replace",
            Self::PatchUser(..) => "user.patch",
            Self::DeleteUser(_) => "user.delete",
            Self::CreateGroup(_) => "group.create",
            Self::ReplaceGroup(..) => "group.replace",
            Self::PatchGroup(..) => "group.patch",
            Self::DeleteGroup(_) => "group.delete",
            Self::GetUser(_)
            | Self::GetGroup(..)
            | Self::List(_)
            | Self::Bulk(_)
            | Self::Revoke(_)
            | Self::Sweep => "",
        }
    }

    /// The resource it names; none when it creates one.
    pub(crate) fn target(&self) -> Option<&Id> {
        match self {
            Self::ReplaceUser(id, _)
            | Self::PatchUser(id, _)
            | Self::DeleteUser(id)
            | Self::GetUser(id)
            | Self::ReplaceGroup(id, _)
            | Self::PatchGroup(id, _)
            | Self::DeleteGroup(id)
            | Self::GetGroup(id, _) => Some(id),
            Self::CreateUser(_)
            | Self::CreateGroup(_)
            | Self::List(_)
            | Self::Bulk(_)
            | Self::Revoke(_)
            | Self::Sweep => None,
        }
    }
}

impl UserForm {
    /// The user that a POST of it makes.
    pub(crate) fn user(&self) -> User {
        User {
            version: 0,
            name: self.name.clone(),
            external: self.external.clone(),
            emails: self.emails.iter().cloned().collect(),
            active: self.active.unwrap_or(true),
        }
    }
}
