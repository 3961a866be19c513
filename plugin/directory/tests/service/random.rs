//! Random sequences of operations: after each, the store holds exactly the keys
//! that follow from its records, and what a client reads is what a naive model
//! says.

use crate::support::{World, filter};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Small numbers stand for names and for the resources made so far.
#[derive(Clone, Debug)]
enum Step {
    CreateUser {
        name: u8,
        external: Option<u8>,
        emails: Vec<u8>,
    },
    ReplaceUser {
        user: u8,
        name: u8,
        external: Option<u8>,
        emails: Vec<u8>,
    },
    RenameUser {
        user: u8,
        name: u8,
    },
    DeleteUser {
        user: u8,
    },
    CreateGroup {
        name: u8,
        members: Vec<u8>,
    },
    ReplaceGroup {
        group: u8,
        name: u8,
        members: Vec<u8>,
    },
    AddMembers {
        group: u8,
        members: Vec<u8>,
    },
    RemoveMembers {
        group: u8,
        members: Vec<u8>,
    },
    ReplaceMembers {
        group: u8,
        members: Vec<u8>,
    },
    DeleteGroup {
        group: u8,
    },
}

/// What there should be: users by id with their name, groups with name and
/// members.
#[derive(Debug, Default)]
struct Model {
    users: BTreeMap<String, String>,
    groups: BTreeMap<String, (String, BTreeSet<String>)>,
    /// All ids that ever were, users and groups, in the order of creation.
    ids: Vec<String>,
}

fn step() -> impl Strategy<Value = Step> {
    let n = || 0..6_u8;
    let list = || prop::collection::vec(0..6_u8, 0..4);
    let external = || prop::option::of(0..3_u8);
    prop_oneof![
        (n(), external(), list()).prop_map(|(name, external, emails)| Step::CreateUser {
            name,
            external,
            emails
        }),
        (n(), n(), external(), list()).prop_map(|(user, name, external, emails)| {
            Step::ReplaceUser {
                user,
                name,
                external,
                emails,
            }
        }),
        (n(), n()).prop_map(|(user, name)| Step::RenameUser { user, name }),
        n().prop_map(|user| Step::DeleteUser { user }),
        (n(), list()).prop_map(|(name, members)| Step::CreateGroup { name, members }),
        (n(), n(), list()).prop_map(|(group, name, members)| Step::ReplaceGroup {
            group,
            name,
            members
        }),
        (n(), list()).prop_map(|(group, members)| Step::AddMembers { group, members }),
        (n(), list()).prop_map(|(group, members)| Step::RemoveMembers { group, members }),
        (n(), list()).prop_map(|(group, members)| Step::ReplaceMembers { group, members }),
        n().prop_map(|group| Step::DeleteGroup { group }),
    ]
}

fn user_body(name: u8, external: Option<u8>, emails: &[u8]) -> Value {
    let emails: Vec<Value> = emails
        .iter()
        .map(|e| json!({"value": format!("M{e}@X")}))
        .collect();
    let external = external.map(|e| format!("e/{e}"));
    json!({"userName": format!("Name {name}"), "externalId": external, "emails": emails})
}

impl Model {
    fn id(&self, n: u8) -> String {
        let at = usize::from(n) % self.ids.len().max(1);
        // From the newest, so that the living are met.
        let id = self.ids.iter().rev().nth(at);
        id.cloned().unwrap_or_else(|| "nobody".to_owned())
    }

    fn exists(&self, id: &str) -> bool {
        self.users.contains_key(id) || self.groups.contains_key(id)
    }

    fn members(&self, members: &[u8]) -> (Value, BTreeSet<String>) {
        let ids: Vec<String> = members.iter().map(|m| self.id(*m)).collect();
        let list = ids.iter().map(|id| json!({"value": id})).collect();
        (list, ids.into_iter().filter(|id| self.exists(id)).collect())
    }

    fn user_named(&self, name: &str) -> Option<&String> {
        self.users
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(id, _)| id)
    }

    fn group_named(&self, name: &str) -> Option<&String> {
        self.groups
            .iter()
            .find(|(_, (n, _))| n == name)
            .map(|(id, _)| id)
    }

    fn forget(&mut self, id: &str) {
        for (_, members) in self.groups.values_mut() {
            members.remove(id);
        }
    }

    /// Does the step in both, and compares the status.
    fn run(&mut self, world: &World, step: &Step) {
        match step {
            Step::CreateUser {
                name,
                external,
                emails,
            } => {
                let free = self.user_named(&format!("name {name}")).is_none();
                let reply = world.post("/Users", &user_body(*name, *external, emails));
                assert_eq!(reply.status, if free { 201 } else { 409 });
                if free {
                    self.users.insert(reply.id(), format!("name {name}"));
                    self.ids.push(reply.id());
                }
            }
            Step::ReplaceUser {
                user,
                name,
                external,
                emails,
            } => {
                let id = self.id(*user);
                let body = user_body(*name, *external, emails);
                let status = world.put(&format!("/Users/{id}"), &body).status;
                self.rename_user(&id, *name, status);
            }
            Step::RenameUser { user, name } => {
                let id = self.id(*user);
                let operation = json!([{"op": "replace", "path": "userName",
                    "value": format!("NAME {name}")}]);
                let status = world.patch(&format!("/Users/{id}"), &operation).status;
                self.rename_user(&id, *name, status);
            }
            Step::DeleteUser { user } => {
                let id = self.id(*user);
                let there = self.users.remove(&id).is_some();
                let status = world.delete(&format!("/Users/{id}")).status;
                assert_eq!(status, if there { 204 } else { 404 });
                if there {
                    self.forget(&id);
                }
            }
            Step::CreateGroup { name, members } => {
                let free = self.group_named(&format!("group {name}")).is_none();
                let (list, members) = self.members(members);
                let body = json!({"displayName": format!("Group {name}"), "members": list});
                let reply = world.post("/Groups", &body);
                assert_eq!(reply.status, if free { 201 } else { 409 });
                if free {
                    self.groups
                        .insert(reply.id(), (format!("group {name}"), members));
                    self.ids.push(reply.id());
                }
            }
            Step::ReplaceGroup {
                group,
                name,
                members,
            } => {
                let id = self.id(*group);
                let (list, members) = self.members(members);
                let body = json!({"displayName": format!("GROUP {name}"), "members": list});
                let status = world.put(&format!("/Groups/{id}"), &body).status;
                let name = format!("group {name}");
                let free = self.group_named(&name).is_none_or(|holder| *holder == id);
                match self.groups.get_mut(&id) {
                    None => assert_eq!(status, 404),
                    Some(_) if !free => assert_eq!(status, 409),
                    Some(group) => {
                        assert_eq!(status, 200);
                        *group = (name, members);
                    }
                }
            }
            Step::AddMembers { group, members } => {
                let (list, members) = self.members(members);
                let operation = json!([{"op": "add", "path": "members", "value": list}]);
                self.change_members(world, *group, &operation, |all| all.extend(members));
            }
            Step::RemoveMembers { group, members } => {
                let (list, members) = self.members(members);
                let operation = json!([{"op": "remove", "path": "members", "value": list}]);
                self.change_members(world, *group, &operation, |all| {
                    all.retain(|id| !members.contains(id));
                });
            }
            Step::ReplaceMembers { group, members } => {
                let (list, members) = self.members(members);
                let operation = json!([{"op": "replace", "path": "members", "value": list}]);
                self.change_members(world, *group, &operation, |all| *all = members);
            }
            Step::DeleteGroup { group } => {
                let id = self.id(*group);
                let there = self.groups.remove(&id).is_some();
                let status = world.delete(&format!("/Groups/{id}")).status;
                assert_eq!(status, if there { 204 } else { 404 });
                if there {
                    self.forget(&id);
                }
            }
        }
    }

    fn rename_user(&mut self, id: &str, name: u8, status: u16) {
        let name = format!("name {name}");
        let free = self.user_named(&name).is_none_or(|holder| holder == id);
        match self.users.get_mut(id) {
            None => assert_eq!(status, 404),
            Some(_) if !free => assert_eq!(status, 409),
            Some(user) => {
                assert_eq!(status, 200);
                *user = name;
            }
        }
    }

    fn change_members(
        &mut self,
        world: &World,
        group: u8,
        operation: &Value,
        change: impl FnOnce(&mut BTreeSet<String>),
    ) {
        let id = self.id(group);
        let status = world.patch(&format!("/Groups/{id}"), operation).status;
        match self.groups.get_mut(&id) {
            None => assert_eq!(status, 404),
            Some((_, members)) => {
                // A change that is staged is answered without a body.
                assert!(matches!(status, 200 | 204), "{status}");
                change(members);
            }
        }
    }

    /// The groups that somebody is in, directly or through others.
    fn groups_of(&self, id: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = vec![id.to_owned()];
        while let Some(id) = next.pop() {
            for (group, (_, members)) in &self.groups {
                if members.contains(&id) && found.insert(group.clone()) {
                    next.push(group.clone());
                }
            }
        }
        found
    }

    /// Compares all that a client can read.
    fn compare(&self, world: &World) {
        world.check();
        let list = world.get("/Users?count=1000");
        assert_eq!(
            list.ids().into_iter().collect::<BTreeSet<_>>(),
            self.users.keys().cloned().collect()
        );
        for (id, name) in &self.users {
            let found = world.get(&filter("/Users", &format!("userName eq \"{name}\"")));
            assert_eq!(found.ids(), std::slice::from_ref(id));
            let groups = crate::support::values(&found.body["Resources"][0]["groups"]);
            assert_eq!(groups, self.groups_of(id));
        }
        let list = world.get("/Groups?count=1000");
        assert_eq!(list.body["totalResults"], self.groups.len());
        for (id, (name, members)) in &self.groups {
            assert_eq!(world.members(id), *members);
            let found = world.get(&filter("/Groups", &format!("displayName eq \"{name}\"")));
            assert_eq!(found.ids(), std::slice::from_ref(id));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn staged_changes_leave_what_the_model_says(steps in prop::collection::vec(step(), 1..30)) {
        let world = World::configured(json!({"limits": {"max_members_at_once": 1}}));
        let mut model = Model::default();
        for (i, step) in steps.iter().enumerate() {
            model.run(&world, step);
            // Now and then there is litter about.
            if i % 3 == 0 {
                world.sweep();
                world.check();
            }
        }
        world.sweep();
        model.compare(&world);
    }

    #[test]
    fn the_store_and_the_client_see_what_the_model_says(steps in prop::collection::vec(step(), 1..30)) {
        let world = World::new();
        let mut model = Model::default();
        for step in &steps {
            model.run(&world, step);
            world.check();
        }
        model.compare(&world);
    }
}
