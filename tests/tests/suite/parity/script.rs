//! The script: one life of users and groups, with what clients do right and wrong.

use hyper::Method;

/// A request. `{name}` in path, headers and body stands for what an earlier step saved.
pub(crate) struct Step {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: Option<String>,
    /// A name, and the JSON pointer or `header:Name` to save under it.
    pub(crate) save: Option<(&'static str, &'static str)>,
}

impl Step {
    fn with(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    fn save(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.save = Some((name, pointer));
        self
    }
}

fn step(method: Method, path: &'static str, body: Option<String>) -> Step {
    Step {
        method,
        path,
        headers: &[],
        body,
        save: None,
    }
}

fn get(path: &'static str) -> Step {
    step(Method::GET, path, None)
}

fn delete(path: &'static str) -> Step {
    step(Method::DELETE, path, None)
}

fn post(path: &'static str, body: &str) -> Step {
    step(Method::POST, path, Some(body.into()))
}

fn put(path: &'static str, body: &str) -> Step {
    step(Method::PUT, path, Some(body.into()))
}

fn patch(path: &'static str, operations: &str) -> Step {
    let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    let body = format!(r#"{{"schemas":["{schema}"],"Operations":{operations}}}"#);
    step(Method::PATCH, path, Some(body))
}

/// All of it, in order.
pub(crate) fn steps() -> Vec<Step> {
    const ADA: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":"Ada@Example.com","externalId":"e-1","name":{"familyName":"Lovelace","givenName":"Ada"},"emails":[{"value":"ada@example.com","type":"work","primary":true},{"value":"ada@home.example","type":"home"}],"active":true,"password":"never shown","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Engines","employeeNumber":"1"}}"#;
    const BOB: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bob","displayName":"Bób ☃ \"quoted\" \u0007","unknown":[1,2]}"#;
    const TEAM: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Team","externalId":"g-1","members":[{"value":"{ada}"},{"value":"{bob}"},{"value":"nobody"}]}"#;
    let mut steps = vec![
        get("/ServiceProviderConfig"),
        get("/ResourceTypes"),
        get("/ResourceTypes/User"),
        get("/Schemas"),
        get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group"),
        get("/Schemas/urn:none"),
        get("/Users"),
        post("/Users", ADA).save("ada", "/id"),
        post("/Users", BOB).save("bob", "/id"),
        post("/Users", ADA),
        get("/Users/{ada}").save("etag", "header:etag"),
        get("/Users/{ada}").with(&[("if-none-match", "{etag}")]),
        get("/Users/{ada}").with(&[("accept", "application/json")]),
        get("/Users/{ada}").with(&[("accept", "text/html")]),
        step(Method::HEAD, "/Users/{ada}", None),
        step(Method::OPTIONS, "/Users/{ada}", None),
        get("/Users/{ada}?attributes=userName,emails.value"),
        get("/Users/{ada}?excludedAttributes=emails,name.givenName"),
        get("/Users?filter=userName%20eq%20%22ADA@example.com%22"),
        get("/Users?filter=externalId+eq+%22e-1%22"),
        get("/Users?filter=emails.value%20eq%20%22ada@home.example%22"),
        get("/Users?filter=name.familyName%20co%20%22love%22%20and%20not%20(active%20eq%20false)"),
        get("/Users?filter=userName%20eq"),
        get("/Users?filter=nothing%20pr"),
        get("/Users?startIndex=2&count=1"),
        get("/Users?count=0"),
        get("/Users?count=abc"),
        get("/Users/nobody"),
        get("/Nothing"),
        post("/Groups", TEAM).save("team", "/id"),
        get("/Groups/{team}"),
        get("/Groups?filter=displayName%20eq%20%22team%22"),
        get("/Groups?filter=members%20eq%20%22{ada}%22&excludedAttributes=members"),
        get("/Users/{ada}"),
        get("/Users?filter=groups.value%20eq%20%22{team}%22&attributes=userName"),
    ];
    steps.extend(details());
    steps.extend(changes());
    steps.extend(ends());
    steps
}

/// What HTTP says beside the resource: paths, preconditions, who the client addressed.
fn details() -> Vec<Step> {
    let options = |path| step(Method::OPTIONS, path, None);
    let post_with = |headers| post("/Users", r#"{"userName":"zoe"}"#).with(headers);
    vec![
        options("/Users"),
        options("/.search"),
        options("/Nothing"),
        get("/users/{ada}/"),
        get("/%55sers/{ada}?unknown=1&attributes=userName"),
        get("/Users/%2e%2e"),
        get("/Users/a%2Fb"),
        get("/Users/%252e"),
        get("/Users/%C3%A9"),
        get("/Users/%ff"),
        get("/Users/%zz"),
        get("/Users//"),
        get("//Users"),
        get("/./Users"),
        get("/Users;x=1"),
        get("/v1/Users"),
        get("/Users/{ada}").with(&[("if-none-match", "\"x,1\", {etag}")]),
        get("/Users/{ada}").with(&[("if-none-match", "\"x\""), ("if-none-match", "{etag}")]),
        get("/Users/{ada}").with(&[("if-match", "\"x\""), ("if-none-match", "*")]),
        get("/Users/nobody").with(&[("if-match", "*")]),
        get("/Schemas").with(&[("if-none-match", "*")]),
        put("/Users/{ada}", "{}").with(&[("if-none-match", "*")]),
        delete("/Users/{ada}").with(&[("if-none-match", "{etag}")]),
        delete("/Users/{ada}").with(&[("if-match", "\u{e9}")]),
        get("/Users/{ada}").with(&[
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "eu.example.com"),
        ]),
        get("/Users/{ada}").with(&[(
            "forwarded",
            "for=192.0.2.1;proto=https;host=\"[2001:db8::1]:8443\"",
        )]),
        get("/Users/{ada}").with(&[
            ("x-forwarded-host", "evil.example/x?"),
            ("x-forwarded-prefix", "//evil"),
        ]),
        get("/Users/{ada}").with(&[("authorization", "Bearer x")]),
        get("/Users/{ada}").with(&[("accept", "application/json;q=0, text/*, */*;q=0.1")]),
        get("/Users/{ada}").with(&[("accept", "text/html"), ("accept", "application/json")]),
        post_with(&[
            ("content-type", "application/json"),
            ("content-type", "text/plain"),
        ]),
        post_with(&[
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ]),
        put("/Me", "{}"),
        post("/Me", "{}"),
    ]
}

fn changes() -> Vec<Step> {
    vec![
        patch("/Users/{ada}", r#"[{"op":"replace","path":"name.givenName","value":"Augusta"}]"#),
        patch("/Users/{ada}", r#"[{"op":"Replace","value":{"active":"False","title":"Countess"}}]"#),
        patch("/Users/{ada}", r#"[{"op":"add","path":"emails","value":[{"value":"c@example.com","type":"other"}]}]"#),
        patch("/Users/{ada}", r#"[{"op":"replace","path":"emails[type eq \"home\"].value","value":"new@home.example"}]"#),
        patch("/Users/{ada}", r#"[{"op":"remove","path":"emails[type eq \"other\"]"}]"#),
        patch("/Users/{ada}", r#"[{"op":"remove","path":"emails[type eq \"none\"]"}]"#),
        patch("/Users/{ada}", r#"[{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"{bob}"}}]"#),
        patch("/Users/{ada}", r#"[{"op":"replace","path":"userName","value":"BOB"}]"#),
        patch("/Users/{ada}", r#"[{"op":"replace","path":"id","value":"x"}]"#),
        patch("/Users/{ada}", r#"[{"op":"move"}]"#),
        patch("/Users/{ada}", r#"[{"op":"replace","path":"title","value":"Lady"}]"#).with(&[("if-match", "{etag}")]),
        patch("/Users/{ada}", r#"[{"op":"replace","path":"title","value":"Lady"}]"#).save("etag", "header:etag"),
        put("/Users/{ada}", r#"{"userName":"ada@example.com"}"#).with(&[("if-match", "W/\"1\"")]),
        put("/Users/{ada}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com","emails":[]}"#).with(&[("if-match", "{etag}")]),
        put("/Users/{ada}", "{\"userName\":"),
        post("/Users", "a=b").with(&[("content-type", "application/x-www-form-urlencoded")]),
        patch("/Groups/{team}", r#"[{"op":"remove","path":"members[value eq \"{bob}\"]"}]"#),
        patch("/Groups/{team}", r#"[{"op":"add","path":"members","value":[{"value":"{bob}"},{"value":"{ada}"}]}]"#),
        patch("/Groups/{team}", r#"[{"op":"replace","path":"displayName","value":"Squad"}]"#),
        get("/Groups/{team}"),
        put("/Groups/{team}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Squad","members":[{"value":"{ada}"}]}"#),
        post("/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"SQUAD"}"#),
        get("/Groups"),
        get("/Users"),
    ]
}

fn ends() -> Vec<Step> {
    vec![
        delete("/Users/{ada}").with(&[("if-match", "{etag}")]),
        delete("/Users/{ada}"),
        delete("/Users/{ada}"),
        get("/Users/{ada}"),
        get("/Groups/{team}"),
        post(
            "/Users",
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@example.com"}"#,
        ),
        delete("/Groups/{team}"),
        get("/Groups"),
        get("/Users/{bob}"),
        post("/Bulk", r#"{"Operations":[]}"#),
        post(
            "/Bulk",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[]}"#,
        ),
        post(
            "/Bulk",
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Groups","bulkId":"outer","data":{"displayName":"Outer","members":[{"value":"bulkId:inner"}]}},{"method":"POST","path":"/Groups","bulkId":"inner","data":{"displayName":"Inner","members":[{"value":"bulkId:outer"},{"value":"{bob}"}]}},{"method":"DELETE","path":"/Users/nobody"},{"method":"PUT","path":"/Users/bulkId:none","data":{}}]}"#,
        ),
        get("/Users/{bob}"),
        get("/Groups?sortBy=displayName"),
        get("/Me"),
        get("/Users").with(&[("x-odd", "1")]),
    ]
}
