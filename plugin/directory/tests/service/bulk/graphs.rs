//! Random bulk requests: those that refer forwards and in circles leave the same
//! directory as their operations one by one, in an order in which each finds what
//! it refers to; those that do not are the same as the requests one by one.

use super::{ENTERPRISE, bulk, id, statuses};
use crate::support::{World, request, values};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who refers to whom: managers of users, members of groups, and members that are
/// added later. Small numbers stand for users first, then for groups.
#[derive(Clone, Debug)]
struct Graph {
    managers: Vec<Option<usize>>,
    members: Vec<BTreeSet<usize>>,
    additions: Vec<(usize, usize)>,
    /// The places in the request of all operations.
    order: Vec<usize>,
}

const USERS: usize = 4;
const GROUPS: usize = 5;

fn graph() -> impl Strategy<Value = Graph> {
    let managers = prop::collection::vec(prop::option::of(0..USERS), USERS);
    let anybody = 0..USERS + GROUPS;
    let members = prop::collection::vec(prop::collection::btree_set(anybody.clone(), 0..4), GROUPS);
    let additions = prop::collection::vec((0..GROUPS, anybody), 0..4);
    (managers, members, additions).prop_flat_map(|(managers, members, additions)| {
        let count = USERS + GROUPS + additions.len();
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        order.prop_map(move |order| Graph {
            managers: managers.clone(),
            members: members.clone(),
            additions: additions.clone(),
            order,
        })
    })
}

fn name(at: usize) -> String {
    match at.checked_sub(USERS) {
        None => format!("user {at}"),
        Some(group) => format!("group {group}"),
    }
}

impl Graph {
    fn operations(&self) -> Value {
        let reference = |at: usize| format!("bulkId:{}", name(at));
        let users = self.managers.iter().enumerate().map(|(at, manager)| {
            let mut data = json!({"userName": name(at)});
            if let Some(manager) = manager {
                data[ENTERPRISE] = json!({"manager": {"value": reference(*manager)}});
            }
            json!({"method": "POST", "path": "/Users", "bulkId": name(at), "data": data})
        });
        let groups = self.members.iter().enumerate().map(|(at, members)| {
            let name = name(USERS + at);
            let members: Vec<_> = members
                .iter()
                .map(|at| json!({"value": reference(*at)}))
                .collect();
            json!({"method": "POST", "path": "/Groups", "bulkId": name,
                "data": {"displayName": name, "members": members}})
        });
        let additions = self.additions.iter().map(|(group, member)| {
            json!({"method": "PATCH", "path": format!("/Groups/{}", reference(USERS + group)),
                "data": [{"op": "add", "path": "members", "value": [{"value": reference(*member)}]}]})
        });
        let all: Vec<Value> = users.chain(groups).chain(additions).collect();
        self.order.iter().map(|at| all[*at].clone()).collect()
    }

    /// Creates everybody, then adds what refers to them.
    fn one_by_one(&self, world: &World) {
        let users = (0..USERS).map(|at| world.user(&name(at)));
        let mut ids: Vec<String> = users.collect();
        ids.extend((0..GROUPS).map(|at| world.group(&name(USERS + at), &[])));
        for (user, manager) in self.managers.iter().enumerate() {
            if let Some(manager) = manager {
                let add = json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"),
                    "value": ids[*manager]}]);
                let reply = world.patch(&format!("/Users/{}", ids[user]), &add);
                assert_eq!(reply.status, 200);
            }
        }
        let first = self.members.iter().enumerate();
        let first = first.flat_map(|(group, members)| members.iter().map(move |m| (group, *m)));
        for (group, member) in first.chain(self.additions.iter().copied()) {
            let add = json!([{"op": "add", "path": "members", "value": [{"value": ids[member]}]}]);
            let reply = world.patch(&format!("/Groups/{}", ids[USERS + group]), &add);
            assert_eq!(reply.status, 200);
        }
    }
}

/// What there is, by names: the managers of users, the members of groups.
fn directory(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let users = world.get("/Users?count=1000").body["Resources"].clone();
    let groups = world.get("/Groups?count=1000").body["Resources"].clone();
    let all = || {
        let all = users.as_array().into_iter().chain(groups.as_array());
        all.flatten()
    };
    let name = |resource: &Value| {
        let name = resource["userName"]
            .as_str()
            .or(resource["displayName"].as_str());
        name.unwrap().to_owned()
    };
    let names: BTreeMap<&str, String> = all()
        .map(|resource| (resource["id"].as_str().unwrap(), name(resource)))
        .collect();
    all()
        .map(|resource| {
            let mut refers = values(&resource["members"]);
            let manager = resource[ENTERPRISE]["manager"]["value"].as_str();
            refers.extend(manager.map(str::to_owned));
            let refers = refers.iter().map(|id| names[id.as_str()].clone());
            (name(resource), refers.collect())
        })
        .collect()
}

/// An operation without references.
#[derive(Clone, Debug)]
struct Step {
    method: &'static str,
    group: bool,
    target: usize,
    name: u8,
    member: usize,
}

fn step() -> impl Strategy<Value = Step> {
    let method = prop::sample::select(&["POST", "PUT", "PATCH", "DELETE"][..]);
    (method, any::<bool>(), 0..4_usize, 0..5_u8, 0..4_usize).prop_map(
        |(method, group, target, name, member)| Step {
            method,
            group,
            target,
            name,
            member,
        },
    )
}

/// The same users and groups in every world that is made so.
fn populated() -> (World, Vec<String>, Vec<String>) {
    let world = World::new();
    let users: Vec<String> = (0..3).map(|at| world.user(&format!("n{at}"))).collect();
    let groups = (0..3).map(|at| world.group(&format!("n{at}"), &[&users[at]]));
    let groups = groups.collect();
    (world, users, groups)
}

fn operation(step: &Step, at: usize, users: &[String], groups: &[String]) -> Value {
    let (endpoint, ids, name) = match step.group {
        true => ("/Groups", groups, "displayName"),
        false => ("/Users", users, "userName"),
    };
    let nobody = "nobody".to_owned();
    let target = ids.get(step.target).unwrap_or(&nobody);
    let member = users.get(step.member).unwrap_or(&nobody);
    let path = match step.method {
        "POST" => endpoint.to_owned(),
        _ => format!("{endpoint}/{target}"),
    };
    let data = match step.method {
        "PATCH" if step.group => {
            json!([{"op": "add", "path": "members", "value": [{"value": member}]}])
        }
        "PATCH" => json!([{"op": "replace", "path": name, "value": format!("n{}", step.name)}]),
        _ => json!({name: format!("n{}", step.name), "members": [{"value": member}]}),
    };
    json!({"method": step.method, "path": path, "bulkId": format!("b{at}"), "data": data})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_order_the_directory_is_that_of_one_by_one(graph in graph()) {
        let world = World::new();
        let results = bulk(&world, &graph.operations());
        for (result, at) in results.iter().zip(&graph.order) {
            let status = if *at < USERS + GROUPS { "201" } else { "200" };
            prop_assert_eq!(&result["status"], status);
        }
        world.check();
        let expected = World::new();
        graph.one_by_one(&expected);
        prop_assert_eq!(directory(&world), directory(&expected));
    }

    #[test]
    fn without_references_it_is_the_requests_one_by_one(steps in prop::collection::vec(step(), 1..12)) {
        let (world, users, groups) = populated();
        let operations: Vec<Value> = steps
            .iter()
            .enumerate()
            .map(|(at, step)| operation(step, at, &users, &groups))
            .collect();
        let results = bulk(&world, &Value::from(operations.clone()));
        world.check();

        let (single, ..) = populated();
        let mut expected = Vec::new();
        for operation in &operations {
            let (method, path) = (operation["method"].as_str(), operation["path"].as_str());
            let body = Some(&operation["data"]).filter(|_| method != Some("DELETE"));
            let reply = single.send(&request(method.unwrap(), path.unwrap(), body));
            expected.push(reply.status.to_string());
        }
        prop_assert_eq!(statuses(&results), expected);
        prop_assert_eq!(directory(&world), directory(&single));
        for (result, operation) in results.iter().zip(&operations) {
            if result["status"] == "201" {
                let path = format!("{}/{}", operation["path"].as_str().unwrap(), id(result));
                // Unless a later operation deleted it, it is where it is said to be.
                let found = world.get(&path);
                prop_assert!(found.status == 200 || found.status == 404);
                if found.status == 200 {
                    prop_assert_eq!(&found.body["meta"]["location"], &result["location"]);
                }
            }
        }
    }
}
