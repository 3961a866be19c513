//! Sorted answers (RFC 7644 §3.4.2.3), the root of the service (§3.4.2.1) and
//! searches by POST (§3.4.3).

use crate::support::{Reply, World, filter, request};
use serde_json::{Value, json};

fn names(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{reply:?}");
    let resources = reply.body["Resources"].as_array().unwrap().iter();
    let name = |r: &Value| {
        r["userName"]
            .as_str()
            .or(r["displayName"].as_str())
            .map(str::to_owned)
    };
    resources.map(|r| name(r).unwrap()).collect()
}

/// Five users, two groups.
fn world() -> World {
    let world = World::new();
    for (name, family, emails) in [
        (
            "dora",
            Some("Abel"),
            json!([{"value": "z@x"}, {"value": "a@x", "primary": true}]),
        ),
        ("Bert", None, json!([{"value": "M@x"}])),
        ("carl", Some("abel"), Value::Null),
        (
            "Anna",
            Some("Zorn"),
            json!([{"value": "b@x"}, {"value": "a@y"}]),
        ),
        ("emil", Some("Äbler"), json!([{"value": "n@x"}])),
    ] {
        let body = json!({"userName": name, "name": {"familyName": family}, "emails": emails});
        assert_eq!(world.post("/Users", &body).status, 201);
        world.clock.advance(std::time::Duration::from_millis(5));
    }
    let anna = world.get(&filter("/Users", r#"userName eq "anna""#)).ids();
    world.group("staff", &[&anna[0]]);
    world.group("Board", &[]);
    world
}

#[test]
fn users_are_sorted_by_any_attribute() {
    let world = world();
    for (query, expected) in [
        ("sortBy=userName", "Anna Bert carl dora emil"),
        (
            "sortBy=USERNAME&sortOrder=Descending",
            "emil dora carl Bert Anna",
        ),
        // Who has the same key stays in order, who has none is last.
        ("sortBy=name.familyName", "dora carl emil Anna Bert"),
        (
            "sortBy=name.familyName&sortOrder=descending",
            "Bert Anna emil dora carl",
        ),
        ("sortBy=emails", "dora Anna Bert emil carl"),
        (
            "sortBy=emails.value&sortOrder=descending",
            "carl emil Bert Anna dora",
        ),
        (
            "sortBy=meta.created&sortOrder=descending",
            "emil Anna carl Bert dora",
        ),
        ("sortBy=meta.lastModified", "dora Bert carl Anna emil"),
        ("sortBy=groups.display", "Anna dora Bert carl emil"),
        (
            "sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName",
            "Anna Bert carl dora emil",
        ),
        ("sortBy=userName&startIndex=2&count=2", "Bert carl"),
        ("sortBy=userName&startIndex=5&count=2", "emil"),
        ("sortBy=userName&startIndex=6", ""),
        ("sortBy=userName&count=0", ""),
        ("sortBy=&sortOrder=", "dora Bert carl Anna emil"),
        ("sortOrder=descending", "dora Bert carl Anna emil"),
        ("sortBy=userName&filter=emails+pr", "Anna Bert dora emil"),
        ("sortBy=userName&filter=userName+eq+%22carl%22", "carl"),
    ] {
        let reply = world.get(&format!("/Users?{query}"));
        assert_eq!(names(&reply).join(" "), expected, "{query}");
        let total = match query.contains("filter") {
            true => names(&world.get(&format!("/Users?{query}&count=9"))).len(),
            false => 5,
        };
        assert_eq!(reply.body["totalResults"], total, "{query}");
    }
}

#[test]
fn what_cannot_be_sorted_by_is_refused() {
    let world = world();
    for (query, status) in [
        ("sortBy=hobbies", 400),
        ("sortBy=name", 400),
        ("sortBy=members", 400),
        ("sortBy=userName&sortOrder=up", 400),
        ("sortBy=userName&sortBy=title", 400),
    ] {
        let reply = world.get(&format!("/Users?{query}"));
        assert_eq!(reply.status, status, "{query}");
        assert_eq!(reply.body["scimType"], "invalidValue", "{query}");
    }
}

#[test]
fn sorting_is_refused_by_name_when_it_takes_too_much_memory() {
    let world = World::configured(json!({"limits": {"max_sort_bytes": 4096}}));
    for i in 0..60 {
        world.user(&format!("user{i}"));
    }
    let reply = world.get("/Users?sortBy=userName&count=60");
    assert_eq!(
        (reply.status, &reply.body["scimType"]),
        (400, &json!("tooMany"))
    );
    let detail = reply.body["detail"].as_str().unwrap();
    assert!(detail.contains("limits.max_sort_bytes"), "{detail}");
    // The first page needs no more than it holds.
    let reply = world.get("/Users?sortBy=userName&count=5&sortOrder=descending");
    assert_eq!(names(&reply).join(" "), "user9 user8 user7 user6 user59");
}

#[test]
fn the_root_answers_for_all_types() {
    let world = world();
    for (text, expected) in [
        (r#"userName sw "a""#, "Anna"),
        (r#"displayName eq "board""#, "Board"),
        (
            r#"userName eq "carl" or displayName pr"#,
            "carl staff Board",
        ),
        (r#"meta.resourceType eq "Group""#, "staff Board"),
        (r#"not (userName pr)"#, "staff Board"),
        (r#"members pr"#, "staff"),
        ("externalId pr", ""),
    ] {
        for path in ["", "/"] {
            let reply = world.get(&filter(path, text));
            assert_eq!(names(&reply).join(" "), expected, "{text}");
        }
    }
    let all = "dora Bert carl Anna emil staff Board";
    assert_eq!(names(&world.get("")).join(" "), all);
    let pages = [
        ("1", "dora Bert carl"),
        ("4", "Anna emil staff"),
        ("7", "Board"),
        ("8", ""),
    ];
    for (start, expected) in pages {
        let reply = world.get(&format!("/?startIndex={start}&count=3"));
        assert_eq!(names(&reply).join(" "), expected, "{start}");
        assert_eq!(reply.body["totalResults"], 7);
    }
    let reply = world.get("/?sortBy=displayName&count=3");
    assert_eq!(names(&reply).join(" "), "Board staff dora");
    let reply = world.get("/?count=0");
    assert_eq!(
        (reply.body["totalResults"].clone(), reply.ids().len()),
        (json!(7), 0)
    );
    let reply = world.get("?filter=hobbies+pr");
    assert_eq!(
        (reply.status, &reply.body["scimType"]),
        (400, &json!("invalidFilter"))
    );
    // Each type with its own attributes; users know their groups.
    let reply = world.get(
        &(filter("", r#"userName eq "anna" or displayName eq "staff""#)
            + "&attributes=groups.display,members.type"),
    );
    assert_eq!(
        reply.body["Resources"][0]["groups"],
        json!([{"display": "staff"}])
    );
    assert_eq!(
        reply.body["Resources"][1]["members"],
        json!([{"type": "User"}])
    );
}

#[test]
fn a_filter_that_a_type_cannot_match_reads_nothing_of_it() {
    let world = world();
    let calls = |path: &str| {
        let before = world.kv.calls();
        assert_eq!(world.get(path).status, 200);
        world.kv.calls() - before
    };
    let one = calls(&filter("/Groups", r#"displayName eq "board""#));
    let root = filter(
        "/",
        r#"meta.resourceType eq "Group" and displayName eq "board""#,
    );
    assert_eq!(calls(&root), one);
}

#[test]
fn a_search_by_post_is_the_query_of_its_url() {
    let world = world();
    for (endpoint, query, body) in [
        ("/Users", "", json!({})),
        (
            "/Users",
            "filter=emails+pr&sortBy=emails&sortOrder=descending&count=2&startIndex=2&attributes=userName,emails.value",
            json!({"Filter": "emails pr", "sortBy": "emails", "sortOrder": "descending",
                "count": 2, "startIndex": 2, "attributes": ["userName", "emails.value"]}),
        ),
        (
            "/Groups",
            "excludedAttributes=members,meta&sortBy=displayName",
            json!({"excludedAttributes": ["members", "meta"], "sortBy": "displayName",
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
        ),
        (
            "",
            "filter=id+pr&count=3",
            json!({"filter": "id pr", "count": 3, "other": {}}),
        ),
    ] {
        let found = world.post(&format!("{endpoint}/.search"), &body);
        assert_eq!(found.status, 200, "{found:?}");
        assert_eq!(
            found.body,
            world.get(&format!("{endpoint}?{query}")).body,
            "{query}"
        );
    }
    // What stands in the URL of a search is not looked at.
    let found = world.post("/Users/.search?filter=%5B&count=x", &json!({"count": 1}));
    assert_eq!(names(&found).join(" "), "dora");
}

#[test]
fn a_search_that_is_none_is_refused() {
    let world = world();
    for (body, scim_type) in [
        (json!([]), "invalidSyntax"),
        (
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}),
            "invalidSyntax",
        ),
        (json!({"count": "3"}), "invalidCount"),
        (json!({"filter": "["}), "invalidFilter"),
        (json!({"attributes": [1]}), "invalidValue"),
        (json!({"sortBy": "hobbies"}), "invalidValue"),
        (json!({"cursor": "x"}), "invalidCursor"),
    ] {
        for endpoint in ["/Users", "/Groups", ""] {
            let reply = world.post(&format!("{endpoint}/.search"), &body);
            assert_eq!(reply.status, 400, "{body}");
            assert_eq!(reply.body["scimType"], scim_type, "{body}");
        }
    }
    assert_eq!(
        world.send(&request("POST", "/.search", None)).body["scimType"],
        "invalidSyntax"
    );
    assert_eq!(world.get("/.search").status, 405);
}
