//! The message of a bulk request. What is wrong with its form sinks all of it,
//! before anything is done; what is wrong with one operation's path or data is
//! that operation's own failure.

use super::{BulkRequest, Method, Operation};
use crate::error::Error;
use crate::json::Json;
use std::borrow::Cow;

type Members<'j> = Vec<(Cow<'j, str>, Json<'j>)>;

impl<'j> BulkRequest<'j> {
    /// Reads a bulk request. Methods have no case; keys
    /// that the message does not have are ignored. `failOnErrors` of zero stands
    /// for none: a request that is over before it began would serve nobody.
    ///
    /// ```
    /// use scim::bulk::{BulkRequest, Method};
    ///
    /// let body = br#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
    ///     "Operations": [{"method": "DELETE", "path": "/Users/2819c223"}]}"#;
    /// let body = scim::json::parse(body, 20)?;
    /// let request = BulkRequest::parse(body, 1_000)?;
    /// assert_eq!(request.operations[0].method, Method::Delete);
    /// # Ok::<(), scim::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAnObject`]; [`Error::InvalidBulk`], which names the operation by
    /// its place, from 1; [`Error::TooManyBulkOperations`].
    pub fn parse(body: Json<'j>, max_operations: usize) -> Result<Self, Error> {
        let Json::Object(mut members) = body else {
            return Err(Error::NotAnObject);
        };
        check_schemas(take(&mut members, "schemas").as_ref())?;
        let fail_on_errors = match take(&mut members, "failOnErrors") {
            None | Some(Json::Integer(0)) => None,
            Some(Json::Integer(count)) if count > 0 => {
                Some(usize::try_from(count).unwrap_or(usize::MAX))
            }
            Some(_) => return Err(malformed("\"failOnErrors\" must be a positive integer")),
        };
        let Some(Json::Array(operations)) = take(&mut members, "Operations") else {
            return Err(malformed("\"Operations\" must be a list"));
        };
        if operations.is_empty() {
            return Err(malformed("\"Operations\" is empty"));
        }
        if operations.len() > max_operations {
            return Err(Error::TooManyBulkOperations {
                count: operations.len(),
                limit: max_operations,
            });
        }
        let operations = operations
            .into_iter()
            .zip(1..)
            .map(|(operation, number)| read(operation, number));
        Ok(Self {
            fail_on_errors,
            operations: operations.collect::<Result<_, _>>()?,
        })
    }
}

fn read(operation: Json<'_>, number: usize) -> Result<Operation<'_>, Error> {
    let must = |what: &str| malformed(&format!("operation {number} must {what}"));
    let Json::Object(mut members) = operation else {
        return Err(must("be an object"));
    };
    let mut text = |name: &str| match take(&mut members, name) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(must(&format!("have a string as \"{name}\""))),
    };
    let method = text("method")?
        .and_then(|name| {
            let mut known = Method::ALL.into_iter();
            known.find(|method| method.as_str().eq_ignore_ascii_case(&name))
        })
        .ok_or_else(|| must("have the \"method\" POST, PUT, PATCH or DELETE"))?;
    let path = text("path")?.ok_or_else(|| must("have a \"path\""))?;
    let bulk_id = text("bulkId")?;
    let version = text("version")?;
    let data = take(&mut members, "data");
    if method == Method::Post && bulk_id.is_none() {
        return Err(must("have a \"bulkId\", because it is a POST"));
    }
    if method != Method::Delete && data.is_none() {
        return Err(must("have \"data\""));
    }
    Ok(Operation {
        method,
        bulk_id,
        version,
        path,
        data,
    })
}

/// `schemas` must name the message (RFC 7644 §3.7). No client is known to leave it out.
fn check_schemas(schemas: Option<&Json<'_>>) -> Result<(), Error> {
    let urns = schemas.map(|schemas| schemas.as_array().unwrap_or(std::slice::from_ref(schemas)));
    let is_message = |urn: &Json<'_>| {
        let name = urn.as_str().and_then(|urn| urn.rsplit(':').next());
        name.is_some_and(|name| name.eq_ignore_ascii_case("BulkRequest"))
    };
    if urns.unwrap_or_default().iter().any(is_message) {
        return Ok(());
    }
    Err(malformed(
        "\"schemas\" must name urn:ietf:params:scim:api:messages:2.0:BulkRequest",
    ))
}

/// Takes a member out of an object; `null` is none.
fn take<'j>(members: &mut Members<'j>, name: &str) -> Option<Json<'j>> {
    let at = members
        .iter()
        .position(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(members.swap_remove(at).1).filter(|json| !json.is_null())
}

#[cold]
fn malformed(reason: &str) -> Error {
    Error::InvalidBulk {
        reason: reason.to_owned(),
    }
}
