//! Bodies: no JSON, no User, no PATCH.

use super::{Requests, case};
use crate::malformed::Case;
use serde_json::{Value, json};
use tests::scim;

const USER: &str = r#""schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]"#;

impl Requests {
    pub(super) fn bodies(&self) -> Vec<Case> {
        let user = |members: &str| self.post(format!("{{{USER},{members}}}"));
        let arrays = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        vec![
            case("no body", self.post(""), 400),
            case("blank body", self.post(" \r\n\t"), 400),
            case("JSON cut off", self.post(format!(r#"{{{USER},"userName":"cut"#)), 400),
            case("JSON with something after it", self.post(format!(r#"{{{USER},"userName":"a"}} x"#)), 400),
            case("10,000 nested arrays", self.post(&arrays), 400),
            case("10,000 arrays never closed", self.post("[".repeat(10_000)), 400),
            case("10,000 nested objects", self.post(&objects), 400),
            case("nested arrays in a User", user(&format!(r#""userName":"a","x":{arrays}"#)), 400),
            case("invalid UTF-8 in a text", self.post([b"{\"userName\":\"".as_slice(), b"\xff\xfe\"}"].concat()), 400),
            case("invalid UTF-8 in a name", self.post(b"{\"\xc3\x28\":1}"), 400),
            case("NUL between tokens", self.post(b"{\0\"userName\":\"a\"}"), 400),
            case("NUL in a text", self.post(b"{\"userName\":\"a\0b\"}"), 400),
            case("NUL escaped in userName", user(r#""userName":"a\u0000b""#), 400),
            case("half a surrogate pair", user(r#""userName":"\ud800""#), 400),
            case("duplicate key", user(r#""userName":"a","userName":"b""#), 400),
            case("duplicate key in another case", user(r#""userName":"a","USERNAME":"b""#), 400),
            case("duplicate key in a value", user(r#""userName":"a","name":{"givenName":"a","givenName":"b"}"#), 400),
            case("an array", self.post("[]"), 400),
            case("a text", self.post("\"userName\""), 400),
            case("a number", self.post("7"), 400),
            case("null", self.post("null"), 400),
            case("NaN", user(r#""userName":NaN"#), 400),
            case("no userName", self.post(format!("{{{USER}}}")), 400),
            case("empty userName", user(r#""userName":"""#), 400),
            case("null userName", user(r#""userName":null"#), 400),
            case("userName a number", user(r#""userName":5"#), 400),
            case("userName an object", user(r#""userName":{"value":"a"}"#), 400),
            case("active no boolean", user(r#""userName":"a","active":"perhaps""#), 400),
            case("name a list of two", user(r#""userName":"a","name":[{"givenName":"a"},{"givenName":"b"}]"#), 400),
            case("name a text", user(r#""userName":"a","name":"Ada""#), 400),
            case("emails of numbers", user(r#""userName":"a","emails":[5]"#), 400),
            case("two primary emails", user(r#""userName":"a","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]"#), 400),
            case("schemas no list of texts", self.post(r#"{"schemas":[7],"userName":"a"}"#), 400),
            case("PUT cut off", self.write("PUT", &self.user, "{"), 400),
            case("Group without displayName", self.write("POST", "/scim/v2/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}"#), 400),
            case("members a truth value", self.write("POST", "/scim/v2/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"a","members":[true]}"#), 400),
        ]
    }

    pub(super) fn patches(&self) -> Vec<Case> {
        let patch = |operations: Value| {
            self.write("PATCH", &self.user, scim::patch(&operations).to_string())
        };
        let replace = |path: &str| patch(json!([{"op": "replace", "path": path, "value": "x"}]));
        let deep = format!(
            "emails[{}type eq \"a\"{}].value",
            "(".repeat(5_000),
            ")".repeat(5_000)
        );
        let many: Vec<Value> = (0..1_001)
            .map(|_| json!({"op": "replace", "path": "title", "value": "x"}))
            .collect();
        // The first operation alone would do; with the second, none happens.
        let half = json!([
            {"op": "replace", "path": "displayName", "value": "half"},
            {"op": "replace", "path": "userName", "value": {"no": "text"}},
        ]);
        vec![
            case(
                "PATCH without operations",
                self.write("PATCH", &self.user, "{}"),
                400,
            ),
            case("PATCH with operations no list", patch(json!("add")), 400),
            case("PATCH with an empty list", patch(json!([])), 400),
            case(
                "PATCH with an unknown op",
                patch(json!([{"op": "move", "path": "title"}])),
                400,
            ),
            case(
                "PATCH without op",
                patch(json!([{"path": "title", "value": "x"}])),
                400,
            ),
            case(
                "PATCH op no text",
                patch(json!([{"op": 1, "path": "title", "value": "x"}])),
                400,
            ),
            case(
                "PATCH remove without path",
                patch(json!([{"op": "remove"}])),
                400,
            ),
            case(
                "PATCH path no text",
                patch(json!([{"op": "add", "path": ["title"], "value": "x"}])),
                400,
            ),
            case(
                "PATCH path cut off",
                replace("emails[type eq \"work\""),
                400,
            ),
            case("PATCH path with a NUL", replace("title\0"), 400),
            case("PATCH path 5,000 deep", replace(&deep), 400),
            case("PATCH path to nowhere", replace("name.first.second"), 400),
            case("PATCH with 1,001 operations", patch(json!(many)), 400),
            case("PATCH of which the second half fails", patch(half), 400),
            case("PATCH of id", replace("id"), 400),
            case(
                "PATCH of a group with a wrong member",
                self.write(
                    "PATCH",
                    &self.group,
                    scim::patch(&json!([{"op": "add", "path": "members", "value": [true]}]))
                        .to_string(),
                ),
                400,
            ),
        ]
    }
}
