//! Paths, queries and filters.

use super::{Requests, USERS, case, codec};
use crate::malformed::Case;

impl Requests {
    pub(super) fn targets(&self) -> Vec<Case> {
        let users = |rest: &str| self.get(format!("{USERS}{rest}"));
        vec![
            case("unknown endpoint", self.get("/scim/v2/Nothing"), 404),
            case(
                "unknown user",
                users("/00000000-0000-7000-8000-000000000000"),
                404,
            ),
            case("path below a user", users("/a/b/c"), 404),
            case("NUL in an id", users("/%00"), 404),
            case("invalid UTF-8 in an id", users("/%ff%fe"), 404),
            case("bad percent-encoding in an id", users("/%zz"), 404),
            case("escaped slash in an id", users("/..%2f..%2ftoken"), 404),
            case("dot segments", self.get("/scim/v2/../v2/Users"), 404),
            case("doubled slash", self.get("/scim/v2//Users"), 404),
            case(
                "20 KB of id",
                users(&format!("/{}", "a".repeat(20_000))),
                404,
            ),
            case("count no number", users("?count=abc"), 400),
            case("count with a NUL", users("?count=1%00"), 400),
            case("startIndex no integer", users("?startIndex=1.5"), 400),
            case("invalid UTF-8 in a query", users("?filter=%ff"), 400),
            case("bad percent-encoding in a query", users("?filter=%zz"), 400),
            case("two filters", users("?filter=id%20pr&filter=id%20pr"), 400),
            codec(
                "raw byte 0xff in the path",
                self.get(b"/scim/v2/Users/\xff"),
                &[400, 404],
            ),
            codec(
                "raw byte 0xff in the query",
                self.get(b"/scim/v2/Users?filter=\xff"),
                &[400],
            ),
            codec(
                "raw NUL in the path",
                self.get(b"/scim/v2/Users/\0"),
                &[400],
            ),
        ]
    }

    pub(super) fn filters(&self) -> Vec<Case> {
        let filter = |text: &str| self.get(tests::scim::query(USERS, text));
        // Not percent-encoded where it need not be, so that it fits into Envoy's 60 KiB of headers.
        let plain = |text: String| {
            self.get(format!(
                "{USERS}?filter={}",
                text.replace(' ', "+").replace('"', "%22")
            ))
        };
        let deep = |open: &str| format!("{}id pr{}", open.repeat(5_000), ")".repeat(5_000));
        let long = |count: usize| vec!["id pr"; count].join(" or ");
        vec![
            case("empty filter", self.get(format!("{USERS}?filter=")), 400),
            case("filter cut off", filter("userName eq"), 400),
            case("text never closed", filter("userName eq \"a"), 400),
            case("unknown operator", filter("userName is \"a\""), 400),
            case("unknown attribute", filter("noSuchThing eq \"a\""), 400),
            case("boolean compared by order", filter("active gt true"), 400),
            case("NUL in a filter", filter("userName\0eq \"a\""), 400),
            case("NUL in a filter's text", filter("userName eq \"a\0\""), 400),
            case(
                "bracket never closed",
                filter("emails[type eq \"work\""),
                400,
            ),
            case("parenthesis too many", filter("(id pr))"), 400),
            case("filter 5,000 deep", plain(deep("(")), 400),
            case("filter 5,000 negations deep", plain(deep("not (")), 400),
            case(
                "5,000 parentheses never closed",
                plain("(".repeat(5_000)),
                400,
            ),
            case("filter of 50 KB", plain(long(5_500)), 400),
            codec("filter of 1 MB", plain(long(110_000)), &[431]),
        ]
    }
}
