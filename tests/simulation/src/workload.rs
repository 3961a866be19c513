//! What clients ask for: few names and few resources, so that they meet.

use crate::dice::Dice;
use crate::operation::{
    Call, Filter, GroupChange, GroupForm, Kind, Member, Op, Paging, Query, UserChange, UserForm,
    Walk, bulk_id,
};
use crate::state::Id;
use crate::tenants::{Caller, TENANTS, TOKENS};
use serde_json::Value;
use std::collections::BTreeMap;

/// The names that users and groups have, of one tenant as of the other. Some are the same
/// but for case.
const NAMES: [&str; 7] = ["ines", "Ines", "otto", "mara", "MARA", "juri", "lena"];
const EXTERNALS: [&str; 3] = ["x1", "x2", "x3"];
const EMAILS: [&str; 3] = ["one@example.com", "two@example.com", "three@example.org"];
const LABELS: [&str; 2] = ["Lead", "Deputy"];

/// How much there is for them to meet on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// How many numbers each name is given; with none, names are as they stand.
    pub(crate) numbers: usize,
    /// The most members that a request names.
    pub(crate) members: usize,
}

impl Default for Scale {
    /// As little as can be.
    fn default() -> Self {
        Self {
            numbers: 0,
            members: 3,
        }
    }
}

/// What the clients of a tenant have heard of so far.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) scale: Scale,
    pub(crate) users: Vec<Id>,
    pub(crate) groups: Vec<Id>,
    /// The last version that was seen of each.
    pub(crate) versions: BTreeMap<Id, i64>,
}

/// Chooses a request.
pub(crate) fn choose(dice: &Dice, caller: Caller, known: &Known) -> Call {
    // What has nothing to work on yet becomes the creation of something.
    let op = attempt(dice, caller, known).unwrap_or_else(|| create(dice, known));
    let seen = op.target().and_then(|id| known.versions.get(id));
    let conditional = match &op {
        Op::GetUser(_) | Op::GetGroup(..) => 150,
        _ => 200,
    };
    let version = seen.copied().filter(|_| dice.chance(conditional));
    Call {
        caller,
        op,
        version,
    }
}

fn attempt(dice: &Dice, caller: Caller, known: &Known) -> Option<Op> {
    let user = || dice.any(&known.users).cloned();
    let group = || dice.any(&known.groups).cloned();
    Some(match dice.below(100) {
        0..12 => create(dice, known),
        12..18 => Op::ReplaceUser(user()?, user_form(dice, known.scale)),
        18..28 => Op::PatchUser(user()?, user_changes(dice, known.scale)),
        28..33 => Op::DeleteUser(user()?),
        33..39 => Op::ReplaceGroup(group()?, group_form(dice, known)),
        39..60 => Op::PatchGroup(group()?, group_changes(dice, known)),
        60..64 => Op::DeleteGroup(group()?),
        64..72 => Op::GetUser(user()?),
        72..80 => Op::GetGroup(group()?, dice.chance(700)),
        80..90 => Op::List(query(dice, known)),
        90..94 => Op::List(Query {
            filter: None,
            paging: Paging::Cursor {
                walk: Walk::default(),
                count: 1 + dice.below(3),
            },
            ..query(dice, known)
        }),
        94..97 => Op::Bulk(bulk(dice, known)),
        97..99 => Op::Sweep,
        // The first token of each stays.
        _ => Op::Revoke(Caller {
            tenant: caller.tenant,
            token: 1 + dice.below(TOKENS - 1),
        }),
    })
}

/// The caller of a client: most have a tenant in common.
pub(crate) fn caller(dice: &Dice) -> Caller {
    Caller {
        tenant: match dice.chance(300) {
            true => dice.below(TENANTS.len()),
            false => 0,
        },
        token: dice.below(TOKENS),
    }
}

fn create(dice: &Dice, known: &Known) -> Op {
    match dice.chance(600) {
        true => Op::CreateUser(user_form(dice, known.scale)),
        false => Op::CreateGroup(group_form(dice, known)),
    }
}

fn name(dice: &Dice, scale: Scale) -> String {
    let name = *dice.pick(&NAMES);
    match scale.numbers {
        0 => name.to_owned(),
        numbers => format!("{name}{}", dice.below(numbers)),
    }
}

fn external(dice: &Dice) -> Option<String> {
    dice.chance(500)
        .then(|| (*dice.pick(&EXTERNALS)).to_owned())
}

fn email(dice: &Dice) -> String {
    (*dice.pick(&EMAILS)).to_owned()
}

fn user_form(dice: &Dice, scale: Scale) -> UserForm {
    UserForm {
        name: name(dice, scale),
        external: external(dice),
        emails: match dice.chance(400) {
            true => vec![email(dice)],
            false => Vec::new(),
        },
        active: dice.chance(300).then(|| dice.chance(500)),
    }
}

fn group_form(dice: &Dice, known: &Known) -> GroupForm {
    GroupForm {
        name: name(dice, known.scale),
        external: external(dice),
        members: members(dice, known, known.scale.members),
    }
}

/// Somebody, or some group.
fn anyone(dice: &Dice, known: &Known) -> Option<Id> {
    let among = match dice.chance(250) {
        true => &known.groups,
        false => &known.users,
    };
    dice.any(among).cloned()
}

fn members(dice: &Dice, known: &Known, most: usize) -> Vec<Member> {
    let mut members: BTreeMap<Id, Option<String>> = BTreeMap::new();
    for _ in 0..dice.below(most + 1) {
        let display = dice.chance(250).then(|| (*dice.pick(&LABELS)).to_owned());
        if let Some(id) = anyone(dice, known) {
            members.insert(id, display);
        }
    }
    members.into_iter().collect()
}

fn user_changes(dice: &Dice, scale: Scale) -> Vec<UserChange> {
    let change = || match dice.below(6) {
        0 | 1 => UserChange::Name(name(dice, scale)),
        2 => UserChange::Active(dice.chance(500)),
        3 => UserChange::External(external(dice)),
        4 => UserChange::AddEmail(email(dice)),
        _ => UserChange::RemoveEmails,
    };
    (0..=dice.below(2)).map(|_| change()).collect()
}

fn group_changes(dice: &Dice, known: &Known) -> Vec<GroupChange> {
    let change = || match dice.below(10) {
        0 => GroupChange::Name(name(dice, known.scale)),
        1 => GroupChange::External(external(dice)),
        2 => GroupChange::Set(members(dice, known, known.scale.members)),
        3..6 => {
            let members = members(dice, known, 2);
            GroupChange::Remove(members.into_iter().map(|(id, _)| id).collect())
        }
        _ => GroupChange::Add(members(dice, known, 2)),
    };
    let changes = (0..=dice.below(2)).map(|_| change());
    let changes = changes.filter(|change| match change {
        GroupChange::Add(list) => !list.is_empty(),
        GroupChange::Remove(list) => !list.is_empty(),
        _ => true,
    });
    let changes: Vec<_> = changes.collect();
    match changes.is_empty() {
        true => vec![GroupChange::Name(name(dice, known.scale))],
        false => changes,
    }
}

fn query(dice: &Dice, known: &Known) -> Query {
    let of = match dice.chance(600) {
        true => Kind::User,
        false => Kind::Group,
    };
    let filter = match (dice.below(7), of) {
        (0 | 1, _) => Some(Filter::Name(name(dice, known.scale))),
        (2, _) => Some(Filter::External((*dice.pick(&EXTERNALS)).to_owned())),
        (3, Kind::User) => Some(Filter::Email(email(dice))),
        (4, Kind::User) => Some(Filter::Active(dice.chance(500))),
        (3 | 4, Kind::Group) | (5, _) => {
            let id = match of {
                Kind::User => dice.any(&known.groups).cloned(),
                Kind::Group => anyone(dice, known),
            };
            id.map(Filter::Membership)
        }
        _ => None,
    };
    Query {
        of,
        filter,
        paging: Paging::Index {
            start: 1 + dice.below(3),
            count: [1, 2, 100][dice.below(3)],
        },
        search: dice.chance(300),
    }
}

/// Several writes, the later of which may refer to what the first one creates.
fn bulk(dice: &Dice, known: &Known) -> Vec<Op> {
    let mut form = group_form(dice, known);
    if dice.chance(700) {
        form.members.push((bulk_id(), None));
    }
    let mut operations = vec![
        Op::CreateUser(user_form(dice, known.scale)),
        Op::CreateGroup(form),
    ];
    if let Some(user) = dice.any(&known.users).cloned() {
        operations.push(match dice.below(3) {
            0 => Op::DeleteUser(user),
            1 => Op::ReplaceUser(user, user_form(dice, known.scale)),
            _ => Op::PatchUser(user, user_changes(dice, known.scale)),
        });
    }
    operations
}

impl Known {
    /// Forgets a resource that is gone.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.users.retain(|known| known != id);
        self.groups.retain(|known| known != id);
        self.versions.remove(id);
    }

    /// Remembers the resources in an answer.
    pub(crate) fn learn(&mut self, body: &Value) {
        for resource in body["Resources"].as_array().into_iter().flatten() {
            self.learn(resource);
        }
        let Some(id) = body["id"].as_str() else {
            return;
        };
        let id: Id = id.into();
        let list = match body["userName"].is_string() {
            true => &mut self.users,
            false => &mut self.groups,
        };
        if !list.contains(&id) {
            list.push(id.clone());
        }
        if let Some(version) = body["meta"]["version"]
            .as_str()
            .and_then(crate::answer::version)
        {
            self.versions.insert(id, version);
        }
    }
}
