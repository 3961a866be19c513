//! The messages of RFC 7644 that the service sends: errors and lists. Those of
//! bulk requests are in [`bulk`](crate::bulk).

use crate::error::Error;
use crate::json::write_string;

/// URN of the answer to a bulk request (RFC 7644 §3.7).
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// URN of an error (RFC 7644 §3.12).
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// URN of the answer to a query (RFC 7644 §3.4.2).
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// URN of a search by `POST` (RFC 7644 §3.4.3).
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// URN of a PATCH request (RFC 7644 §3.5.2).
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The body for an error. `status` is a string (RFC 7644 §3.12).
///
/// ```
/// let body = scim::message::error(&scim::Error::NoEndpoint);
/// assert_eq!(
///     String::from_utf8_lossy(&body),
///     concat!(
///         r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"#,
///         r#""status":"404","detail":"There is no endpoint at this path."}"#,
///     )
/// );
/// ```
#[must_use]
pub fn error(error: &Error) -> Vec<u8> {
    let mut out = br#"{"schemas":["#.to_vec();
    write_string(&mut out, ERROR);
    out.extend(br#"],"status":"#);
    write_string(&mut out, &error.status().to_string());
    if let Some(scim_type) = error.scim_type() {
        out.extend(br#","scimType":"#);
        write_string(&mut out, scim_type.as_str());
    }
    out.extend(br#","detail":"#);
    write_string(&mut out, &error.to_string());
    out.push(b'}');
    out
}

/// Where a page stands among the pages of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The place of its first resource, from 1 (RFC 7644 §3.4.2.4).
    StartIndex(u64),
    /// The cursors of the pages beside it, where there are any (RFC 9865 §2).
    Cursors {
        /// `previousCursor`
        previous: Option<String>,
        /// `nextCursor`
        next: Option<String>,
    },
}

/// A page of the answer to a query, around resources that
/// [`to_client`](crate::resource::to_client) wrote. `total_results` counts all
/// that match. `Resources` is there even when it is empty: Entra ID's connection
/// test reads it.
#[must_use]
pub fn list_response<R: AsRef<[u8]>>(
    total_results: u64,
    place: &Place,
    resources: &[R],
) -> Vec<u8> {
    let size: usize = resources.iter().map(|r| r.as_ref().len() + 1).sum();
    let mut out = Vec::with_capacity(size + 512);
    out.extend(br#"{"schemas":["#);
    write_string(&mut out, LIST_RESPONSE);
    out.extend(br#"],"totalResults":"#);
    out.extend(total_results.to_string().bytes());
    if let Place::StartIndex(start_index) = place {
        out.extend(br#","startIndex":"#);
        out.extend(start_index.to_string().bytes());
    }
    out.extend(br#","itemsPerPage":"#);
    out.extend(resources.len().to_string().bytes());
    if let Place::Cursors { previous, next } = place {
        for (name, cursor) in [("previousCursor", previous), ("nextCursor", next)] {
            if let Some(cursor) = cursor {
                out.push(b',');
                write_string(&mut out, name);
                out.push(b':');
                write_string(&mut out, cursor);
            }
        }
    }
    out.extend(br#","Resources":["#);
    for (at, resource) in resources.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend(resource.as_ref());
    }
    out.extend(b"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Quoted;

    fn parsed(bytes: &[u8]) -> serde_json::Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn an_error_says_its_type_and_escapes_what_the_client_sent() {
        let body = parsed(&error(&Error::NotUnique {
            attribute: "userName".to_owned(),
            value: Quoted::from("a\"\u{0}\n"),
        }));
        assert_eq!(body["status"], "409");
        assert_eq!(body["scimType"], "uniqueness");
        assert_eq!(
            body["detail"],
            r#"Another resource has the userName "a\"\0\n"."#
        );
    }

    #[test]
    fn an_empty_list_has_resources() {
        let body = parsed(&list_response::<&[u8]>(0, &Place::StartIndex(1), &[]));
        assert_eq!(body["Resources"], serde_json::json!([]));
        assert_eq!(body["totalResults"], 0);
        assert_eq!(body["itemsPerPage"], 0);
    }

    #[test]
    fn a_page_counts_what_it_holds() {
        let body = parsed(&list_response(
            7,
            &Place::StartIndex(3),
            &[b"{\"id\":\"a\"}", b"{\"id\":\"b\"}"],
        ));
        assert_eq!(body["itemsPerPage"], 2);
        assert_eq!(body["startIndex"], 3);
        assert_eq!(body["Resources"][1]["id"], "b");
    }

    #[test]
    fn a_page_between_cursors_has_no_index() {
        let place = Place::Cursors {
            previous: None,
            next: Some("n".to_owned()),
        };
        let body = parsed(&list_response(7, &place, &[b"{}"]));
        assert_eq!(
            body,
            serde_json::json!({"schemas": [LIST_RESPONSE], "totalResults": 7,
                "itemsPerPage": 1, "nextCursor": "n", "Resources": [{}]})
        );
    }
}
