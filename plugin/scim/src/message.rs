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

/// A page of the answer to a query, around resources that
/// [`to_client`](crate::resource::to_client) wrote. `total_results` counts all
/// that match, `start_index` is the place of the first one here, from 1.
/// `Resources` is there even when it is empty: Entra ID's connection test reads
/// it.
#[must_use]
pub fn list_response<R: AsRef<[u8]>>(
    total_results: u64,
    start_index: u64,
    resources: &[R],
) -> Vec<u8> {
    let size: usize = resources.iter().map(|r| r.as_ref().len() + 1).sum();
    let mut out = Vec::with_capacity(size + 160);
    out.extend(br#"{"schemas":["#);
    write_string(&mut out, LIST_RESPONSE);
    let numbers = format!(
        r#"],"totalResults":{total_results},"startIndex":{start_index},"itemsPerPage":{}"#,
        resources.len()
    );
    out.extend(numbers.bytes());
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
        let body = parsed(&list_response::<&[u8]>(0, 1, &[]));
        assert_eq!(body["Resources"], serde_json::json!([]));
        assert_eq!(body["totalResults"], 0);
        assert_eq!(body["itemsPerPage"], 0);
    }

    #[test]
    fn a_page_counts_what_it_holds() {
        let body = parsed(&list_response(
            7,
            3,
            &[b"{\"id\":\"a\"}", b"{\"id\":\"b\"}"],
        ));
        assert_eq!(body["itemsPerPage"], 2);
        assert_eq!(body["startIndex"], 3);
        assert_eq!(body["Resources"][1]["id"], "b");
    }
}
