//! Every limit of a request: below it and at it the request is done, above it is refused,
//! with an error that tells the limit, and nothing is changed. (How often somebody may ask
//! is tested in `front/quotas`, the memory of a sort in `sorting`.)

use crate::support::{Reply, World, patch, request};
use serde_json::{Value, json};

/// A limit, and a request that is so large.
struct Limit {
    key: &'static str,
    /// What it is set to.
    at: usize,
    /// The same as it is without configuration.
    default: usize,
    send: fn(&World, usize) -> Reply,
    status: u16,
    /// How the error tells it.
    told: fn(usize) -> String,
}

const LIMITS: [Limit; 8] = [
    Limit {
        key: "max_body_bytes",
        at: 2_000,
        default: 16_777_216,
        send: |world, size| {
            let mut sized = request("POST", "/Users", Some(&json!({"userName": "alice"})));
            sized.body.resize(size, b' ');
            world.send(&sized)
        },
        status: 413,
        told: |limit| format!("larger than the {limit} bytes"),
    },
    Limit {
        key: "max_json_depth",
        at: 6,
        default: 32,
        send: |world, depth| {
            let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
            let mut deep = request("POST", "/Users", Some(&Value::Null));
            deep.body = format!(r#"{{"userName": "alice", "x": {open}{close}}}"#).into_bytes();
            world.send(&deep)
        },
        status: 400,
        told: |limit| format!("deeper than the {limit} levels"),
    },
    Limit {
        key: "max_json_values",
        at: 1_000,
        default: 1_000_000,
        send: |world, values| {
            let mut full = request("POST", "/Users", Some(&Value::Null));
            // The body, the name, the list and what is in it.
            let list = vec!["0"; values - 3].join(",");
            full.body = format!(r#"{{"userName": "alice", "x": [{list}]}}"#).into_bytes();
            world.send(&full)
        },
        status: 413,
        told: |limit| format!("more than the {limit} values"),
    },
    Limit {
        key: "max_filter_bytes",
        at: 64,
        default: 4_096,
        send: |world, size| {
            let value = "x".repeat(size - "userName eq \"\"".len());
            search(world, &format!("userName eq \"{value}\""))
        },
        status: 400,
        told: |limit| format!("length in bytes exceeds the limit of {limit}"),
    },
    Limit {
        key: "max_filter_depth",
        at: 3,
        default: 20,
        send: |world, depth| {
            let (open, close) = ("(".repeat(depth), ")".repeat(depth));
            search(world, &format!("{open}userName pr{close}"))
        },
        status: 400,
        told: |limit| format!("nesting exceeds the limit of {limit}"),
    },
    Limit {
        key: "max_filter_nodes",
        at: 5,
        default: 200,
        send: |world, nodes| search(world, &vec!["userName pr"; nodes].join(" or ")),
        status: 400,
        told: |limit| format!("number of terms exceeds the limit of {limit}"),
    },
    Limit {
        key: "max_patch_operations",
        at: 3,
        default: 1_000,
        send: |world, number| {
            let made = world.post("/Users", &json!({"userName": "alice"}));
            assert_eq!(made.status, 201);
            let operation = json!({"op": "replace", "path": "title", "value": "x"});
            world.patch(
                &format!("/Users/{}", made.id()),
                &json!(vec![operation; number]),
            )
        },
        status: 400,
        told: |limit| format!("at most {limit} are allowed"),
    },
    Limit {
        key: "max_bulk_operations",
        at: 3,
        default: 1_000,
        send: |world, number| {
            let operation = |n| {
                json!({"method": "POST", "path": "/Users", "bulkId": format!("{n}"),
                    "data": {"userName": format!("user {n}")}})
            };
            let operations: Vec<Value> = (0..number).map(operation).collect();
            let bulk = json!({"Operations": operations,
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]});
            world.post("/Bulk", &bulk)
        },
        status: 413,
        told: |limit| format!("maxOperations ({limit})"),
    },
];

/// The path of a PATCH has the default limits of a filter, whatever is configured for
/// queries.
const PATH: Limit = Limit {
    key: "path of a PATCH",
    at: 4_096,
    default: 4_096,
    send: |world, size| {
        let made = world.post("/Users", &json!({"userName": "alice"}));
        let value = "x".repeat(size - "emails[type eq \"\"].value".len());
        let path = format!("emails[type eq \"{value}\"].value");
        let add = json!([{"op": "add", "path": path, "value": "alice@example.com"}]);
        world.send(&request(
            "PATCH",
            &format!("/Users/{}", made.id()),
            Some(&patch(&add)),
        ))
    },
    status: 400,
    told: |limit| format!("exceeds the limit of {limit}"),
};

fn search(world: &World, filter: &str) -> Reply {
    let body = json!({"filter": filter,
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    world.post("/Users/.search", &body)
}

fn check(limit: &Limit, at: usize, config: &Value) {
    for size in [at - 1, at, at + 1] {
        let world = World::configured(config.clone());
        let reply = (limit.send)(&world, size);
        let detail = reply.body["detail"].as_str().unwrap_or_default();
        let what = format!("{} {at}, {size}: {} {detail}", limit.key, reply.status);
        if size <= at {
            assert!(reply.status < 300, "{what}");
        } else {
            assert_eq!(reply.status, limit.status, "{what}");
            assert_eq!(reply.body["status"], limit.status.to_string());
            assert!(detail.contains(&(limit.told)(at)), "{what}");
            assert!(world.events("acme").len() <= 1, "{what}");
        }
        world.check();
    }
}

#[test]
fn what_a_limit_allows_is_done_and_what_exceeds_it_is_refused_by_its_name() {
    for limit in &LIMITS {
        check(limit, limit.at, &json!({"limits": {limit.key: limit.at}}));
        check(limit, limit.default, &json!({}));
    }
    check(&PATH, PATH.at, &json!({}));
    check(
        &PATH,
        PATH.default,
        &json!({"limits": {"max_filter_bytes": 64}}),
    );
}

/// A page is no request that is too large: it is cut (RFC 7644 §3.4.2.4).
#[test]
fn a_page_is_as_large_as_asked_and_never_larger_than_its_limit() {
    let world = World::configured(json!({"limits": {"default_count": 2, "max_count": 3}}));
    for n in 0..5 {
        world.user(&format!("user {n}"));
    }
    for (query, size) in [("", 2), ("?count=2", 2), ("?count=3", 3), ("?count=4", 3)] {
        let page = world.get(&format!("/Users{query}"));
        assert_eq!(page.ids().len(), size, "{query}");
        assert_eq!(page.body["itemsPerPage"], size, "{query}");
        assert_eq!(page.body["totalResults"], 5, "{query}");
    }
    let told = world.get("/ServiceProviderConfig").body;
    assert_eq!(told["filter"]["maxResults"], 3);
}

/// No limit can be turned off, and none is beyond what the service can bear.
#[test]
fn a_limit_has_bounds_itself() {
    let keys = serde_json::json!({
        "max_body_bytes": [1_024, 33_554_432], "max_json_depth": [4, 100],
        // The least that the default of a body and its values leaves.
        "max_request_memory_bytes": [163_108_864, 536_870_912],
        "max_json_values": [1_000, 2_000_000],
        "max_filter_bytes": [64, 65_536], "max_filter_depth": [1, 64],
        "max_filter_nodes": [1, 10_000], "max_patch_operations": [1, 100_000],
        "max_bulk_operations": [1, 10_000], "max_sort_bytes": [4_096, 268_435_456],
        "requests_per_second": [1, 1_000_000], "request_burst": [1, 1_000_000],
        "auth_failures_per_minute": [1, 1_000_000], "auth_failure_burst": [1, 1_000_000],
    });
    for (key, bounds) in keys.as_object().unwrap() {
        let (least, most) = (bounds[0].as_u64().unwrap(), bounds[1].as_u64().unwrap());
        for (value, taken) in [
            (least - 1, false),
            (least, true),
            (most, true),
            (most + 1, false),
        ] {
            let config = directory::Config::from_value(json!({"limits": {key: value}}));
            assert_eq!(config.is_ok(), taken, "{key}: {value}");
            if let Err(error) = config {
                let error = error.to_string();
                assert!(error.contains(&format!("limits.{key}")), "{error}");
            }
        }
    }
}
