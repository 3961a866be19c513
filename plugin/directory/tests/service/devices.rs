//! Devices (RFC 9944) and their Ethernet addresses, of which each spelling is the same.

use crate::support::{Reply, World, filter, interleave, request, request_of, values};
use scim::schema::{DEVICE, ETHERNET_MAB};
use serde_json::{Value, json};

/// One address as different gear spells it.
const SPELLINGS: [&str; 7] = [
    "02:00:5e:10:00:7a",
    "02-00-5E-10-00-7A",
    "0200.5e10.007a",
    "02005e10007a",
    "02005E-10007A",
    "0200-5e10-007a",
    "02.00.5e.10.00.7a",
];

fn body(address: &str) -> Value {
    json!({"schemas": [DEVICE, ETHERNET_MAB], "displayName": "Printer", "active": true,
        ETHERNET_MAB: {"deviceMacAddress": address}})
}

fn device(world: &World, address: &str) -> String {
    let made = world.post("/Devices", &body(address));
    assert_eq!(made.status, 201, "{made:?}");
    made.id()
}

fn address(reply: &Reply) -> &Value {
    &reply.body[ETHERNET_MAB]["deviceMacAddress"]
}

fn refused(reply: &Reply, status: u16, scim_type: &str) {
    let found = (reply.status, reply.body["scimType"].as_str());
    assert_eq!(found, (status, Some(scim_type)), "{reply:?}");
}

#[test]
fn a_device_lives_as_users_do() {
    let world = World::new();
    let mut sent = body("2C:54:91:88:C9:E2");
    sent["mudUrl"] = json!("https://printer.example/mud.json");
    sent["externalId"] = json!("inventory/7");
    let made = world.post("/Devices", &sent);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.id();
    let location = format!("https://scim.example.com/scim/v2/Devices/{id}");
    assert_eq!(made.header("location"), Some(location.as_str()));
    assert_eq!(made.body["meta"]["resourceType"], "Device");
    assert_eq!(made.body["schemas"], json!([DEVICE, ETHERNET_MAB]));
    assert_eq!(address(&made), "2C:54:91:88:C9:E2");
    let path = format!("/Devices/{id}");
    assert_eq!(world.get(&path).body, made.body);
    world.check();

    let put = world.put(&path, &body("2C:54:91:88:C9:E3"));
    assert_eq!(put.status, 200, "{put:?}");
    assert!(put.body["mudUrl"].is_null() && put.body["externalId"].is_null());
    world.check();
    let patched = world.patch(
        &path,
        &json!([{"op": "replace", "path": "active", "value": false},
            {"op": "replace", "path": format!("{ETHERNET_MAB}:deviceMacAddress"), "value": "2c54.9188.c9e4"}]),
    );
    assert_eq!(
        (patched.status, &patched.body["active"]),
        (200, &json!(false))
    );
    assert_eq!(address(&patched), "2C:54:91:88:C9:E4");
    world.check();

    let events = world.events("acme");
    let ops: Vec<_> = events.iter().map(|e| e["op"].as_str().unwrap()).collect();
    assert_eq!(ops, ["device.create", "device.replace", "device.patch"]);
    assert_eq!(events[2]["attributes"], json!(["active", ETHERNET_MAB]));
    let other = request_of("other", "GET", &path, None);
    assert_eq!(world.send(&other).status, 404, "of another tenant");
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.get(&path).status, 404);
    assert!(!world.holds("device"), "nothing is left");
    world.check();
}

#[test]
fn what_a_device_needs_is_said() {
    let world = World::new();
    let extension = |value: Value| json!({"active": true, ETHERNET_MAB: value});
    for wrong in [
        json!({"displayName": "Printer"}),
        json!({"active": "perhaps"}),
        json!({"active": true, "mudUrl": "not a URL"}),
        extension(json!({"deviceMacAddress": "02:00:5e:10:00"})),
        extension(json!({"deviceMacAddress": "02:00:5e:10:00:7a:00:00"})),
        extension(json!({"deviceMacAddress": "02:00:5e-10-00-7a"})),
        extension(json!({"deviceMacAddress": 20_052_100_070_i64})),
        extension(json!({"deviceMacAddress": ["02:00:5e:10:00:7a", "02:00:5e:10:00:7b"]})),
    ] {
        refused(&world.post("/Devices", &wrong), 400, "invalidValue");
    }
    let id = device(&world, SPELLINGS[0]);
    let path = format!("/Devices/{id}");
    let remove = json!([{"op": "remove", "path": "active"}]);
    refused(&world.patch(&path, &remove), 400, "mutability");
    for operation in [
        json!({"op": "replace", "path": format!("{ETHERNET_MAB}:deviceMacAddress"), "value": "printer"}),
        json!({"op": "add", "path": ETHERNET_MAB, "value": {"deviceMacAddress": "7"}}),
    ] {
        let reply = world.patch(&path, &json!([operation]));
        refused(&reply, 400, "invalidValue");
    }
    let groups = json!([{"op": "add", "path": "groups", "value": [{"value": "g"}]}]);
    refused(&world.patch(&path, &groups), 400, "mutability");
    assert_eq!(address(&world.get(&path)), SPELLINGS[0]);
    // One that is found otherwise needs no Ethernet address.
    let without = world.post("/Devices", &json!({"active": true}));
    assert_eq!(
        (without.status, without.body["schemas"].clone()),
        (201, json!([DEVICE]))
    );
    world.check();
}

#[test]
fn an_address_is_one_devices_however_it_is_spelt() {
    let world = World::new();
    let id = device(&world, SPELLINGS[0]);
    let other = device(&world, "02:00:5e:10:00:7b");
    for spelling in SPELLINGS {
        refused(&world.post("/Devices", &body(spelling)), 409, "uniqueness");
        let path = format!("/Devices/{other}");
        refused(&world.put(&path, &body(spelling)), 409, "uniqueness");
        let replace = json!([{"op": "replace", "path": "deviceMacAddress", "value": spelling}]);
        refused(&world.patch(&path, &replace), 409, "uniqueness");
        // Its own it may spell anew.
        let again = world.put(&format!("/Devices/{id}"), &body(spelling));
        assert_eq!(again.status, 200, "{again:?}");
        world.check();
    }
    let theirs = request_of("other", "POST", "/Devices", Some(&body(SPELLINGS[0])));
    assert_eq!(world.send(&theirs).status, 201, "of another tenant");
    assert_eq!(world.delete(&format!("/Devices/{id}")).status, 204);
    device(&world, SPELLINGS[1]);
    world.check();
}

#[test]
fn of_many_who_create_a_device_of_one_address_one_succeeds() {
    for seed in 0..20 {
        let world = World::new();
        let requests: Vec<_> = SPELLINGS
            .iter()
            .map(|spelling| request("POST", "/Devices", Some(&body(spelling))))
            .collect();
        let replies = interleave(seed, &[&world.directory], &requests);
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        let refused = replies.iter().filter(|reply| reply.status == 409).count();
        assert_eq!((made, refused), (1, SPELLINGS.len() - 1), "seed {seed}");
        world.check();
    }
}

#[test]
fn a_device_is_found_by_any_spelling_of_its_address() {
    let world = World::new();
    let id = device(&world, SPELLINGS[2]);
    device(&world, "02:00:5e:10:00:7b");
    for spelling in SPELLINGS {
        for name in [
            "deviceMacAddress",
            &format!("{ETHERNET_MAB}:deviceMacAddress"),
        ] {
            let path = filter("/Devices", &format!("{name} eq \"{spelling}\""));
            let (calls, _) = world.cost(|| assert_eq!(world.get(&path).ids(), [id.as_str()]));
            assert!(calls <= 2, "it was looked up, in {calls} calls");
        }
        let path = filter(
            "/Devices",
            &format!("not (deviceMacAddress ne \"{spelling}\")"),
        );
        assert_eq!(world.get(&path).ids(), [id.as_str()], "{spelling}");
    }
    let path = filter("/Devices", "deviceMacAddress sw \"02:00:5e\"");
    assert_eq!(world.get(&path).ids().len(), 2);
    let path = filter("/Devices", "deviceMacAddress eq \"02:00:5e:10:00:7c\"");
    assert!(world.get(&path).ids().is_empty());
    // Of all types at once.
    let all = world.get("/?filter=displayName+eq+%22Printer%22");
    assert_eq!(all.ids().len(), 2);
}

#[test]
fn a_group_has_devices_as_members_and_a_device_its_groups() {
    let world = World::new();
    let (printer, user) = (device(&world, SPELLINGS[0]), world.user("ada"));
    let printers = world.group("Printers", &[&printer, &user]);
    let all = world.group("All", &[&printers]);
    world.check();
    let members = world.get(&format!("/Groups/{printers}")).body["members"].clone();
    let member = members.as_array().unwrap().iter();
    let mut member = member.filter(|member| member["value"] == printer.as_str());
    let location = format!("https://scim.example.com/scim/v2/Devices/{printer}");
    assert_eq!(
        member.next(),
        Some(&json!({"value": printer, "$ref": location, "type": "Device"}))
    );

    let path = format!("/Devices/{printer}");
    let groups = world.get(&path).body["groups"].clone();
    let seen = |id: &str| {
        let mut groups = groups.as_array().unwrap().iter();
        let group = groups.find(|group| group["value"] == id).unwrap();
        (group["display"].clone(), group["type"].clone())
    };
    assert_eq!(seen(&printers), (json!("Printers"), json!("direct")));
    assert_eq!(seen(&all), (json!("All"), json!("indirect")));
    let listed = world.get("/Devices").body["Resources"][0].clone();
    assert_eq!(listed["groups"], groups);
    let brief = world.get(&format!("{path}?excludedAttributes=groups"));
    assert!(brief.body["groups"].is_null());
    for group in [&printers, &all] {
        for (endpoint, id) in [("/Devices", &printer), ("/Users", &user)] {
            let path = filter(endpoint, &format!("groups.value eq \"{group}\""));
            assert_eq!(world.get(&path).ids(), [id.as_str()], "{endpoint}");
        }
    }
    let path_with = filter("/Groups", &format!("members.value eq \"{printer}\""));
    assert_eq!(world.get(&path_with).ids(), [printers.as_str()]);

    // What a client sends back does not change them.
    let put = world.put(&path, &world.get(&path).body);
    assert_eq!(values(&put.body["groups"]), values(&groups));
    let of_group = format!("/Groups/{printers}");
    let out = json!([{"op": "remove", "path": format!("members[value eq \"{printer}\"]")}]);
    assert_eq!(world.patch(&of_group, &out).status, 200);
    assert!(world.get(&path).body["groups"].is_null());
    world.check();
    let add =
        json!([{"op": "add", "path": "members", "value": [{"value": printer, "type": "Device"}]}]);
    assert_eq!(world.patch(&of_group, &add).status, 200);
    world.check();

    let before = world.get(&of_group).etag();
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.members(&printers), [user].into());
    assert_ne!(world.get(&of_group).etag(), before, "the group has changed");
    world.check();
}

#[test]
fn a_device_that_goes_while_it_joins_is_in_no_group() {
    for seed in 0..40 {
        let world = World::new();
        let printer = device(&world, SPELLINGS[0]);
        let group = world.group("Printers", &[]);
        let add = crate::support::patch(
            &json!([{"op": "add", "path": "members", "value": [{"value": printer}]}]),
        );
        let requests = [
            request("PATCH", &format!("/Groups/{group}"), Some(&add)),
            request("DELETE", &format!("/Devices/{printer}"), None),
        ];
        let replies = interleave(seed, &[&world.directory], &requests);
        assert_eq!((replies[0].status, replies[1].status), (200, 204), "{seed}");
        assert!(world.members(&group).is_empty());
        world.check();
    }
}

#[test]
fn a_bulk_request_makes_a_device_and_its_group() {
    let world = World::new();
    let bulk = world.post(
        "/Bulk",
        &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data":
                {"displayName": "Printers", "members": [{"value": "bulkId:d"}]}},
            {"method": "POST", "path": "/Devices", "bulkId": "d", "data": body(SPELLINGS[3])}]}),
    );
    assert_eq!(bulk.status, 200, "{bulk:?}");
    let devices = world.get("/Devices").body["Resources"].clone();
    assert_eq!(devices[0]["groups"][0]["display"], "Printers", "{bulk:?}");
    world.check();
}
