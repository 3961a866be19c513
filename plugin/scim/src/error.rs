//! The error catalogue: every answer that is not a success, as a table of
//! status, `scimType` (RFC 7644 §3.12, table 9) and the sentence for `detail`.

use crate::json::Quoted;
use std::fmt;

/// The `scimType` of an error (RFC 7644 §3.12, table 9, and RFC 9865 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The cursor is too old (RFC 9865 §2.1).
    ExpiredCursor,
    /// The count does not fit the cursor (RFC 9865 §2.1).
    InvalidCount,
    /// The cursor is none of the service's, or of another query (RFC 9865 §2.1).
    InvalidCursor,
    /// The filter is malformed, or names what it may not.
    InvalidFilter,
    /// The path of a PATCH operation is malformed.
    InvalidPath,
    /// The body is malformed, or not of the message's form.
    InvalidSyntax,
    /// A value is missing or not of the attribute's type.
    InvalidValue,
    /// The version of the protocol is not supported.
    InvalidVers,
    /// The attribute may not be written.
    Mutability,
    /// The path selects nothing to work on.
    NoTarget,
    /// The request names something confidential where it would be logged.
    Sensitive,
    /// The answer would be larger than the service gives.
    TooMany,
    /// Another resource has the value.
    Uniqueness,
}

impl ScimType {
    /// The keyword as it stands in the message.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidPath => "invalidPath",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Mutability => "mutability",
            Self::NoTarget => "noTarget",
            Self::Sensitive => "sensitive",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
        }
    }
}

macro_rules! catalogue {
    ($(
        $(#[$doc:meta])*
        $name:ident $({ $($field:ident : $type:ty),* $(,)? })?
            => $status:literal, $scim_type:expr, $sentence:literal;
    )*) => {
        /// What went wrong.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Error {
            $(
                $(#[$doc])*
                #[allow(missing_docs, reason = "the sentence in the table says what each field is")]
                $name $({ $($field: $type),* })?,
            )*
            /// One operation of a PATCH request is wrong; nothing of the request was done.
            InOperation {
                /// Its place in the request, from 1.
                number: usize,
                /// What is wrong; it says status and `scimType`.
                error: Box<Self>,
            },
        }

        impl Error {
            /// The HTTP status code.
            #[must_use]
            pub fn status(&self) -> u16 {
                match self {
                    $( Self::$name $({ $($field: _),* })? => $status, )*
                    Self::InOperation { error, .. } => error.status(),
                }
            }

            /// The keyword that tells errors of one status apart.
            #[must_use]
            pub fn scim_type(&self) -> Option<ScimType> {
                match self {
                    $( Self::$name $({ $($field: _),* })? => $scim_type, )*
                    Self::InOperation { error, .. } => error.scim_type(),
                }
            }
        }

        impl fmt::Display for Error {
            /// The sentence for `detail`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$name $({ $($field),* })? => write!(f, $sentence), )*
                    Self::InOperation { number, error } => write!(f, "Operation {number}: {error}"),
                }
            }
        }
    };
}

use ScimType::{
    ExpiredCursor, InvalidCount, InvalidCursor, InvalidFilter, InvalidPath, InvalidSyntax,
    InvalidValue, InvalidVers, Mutability, NoTarget, Sensitive, TooMany, Uniqueness,
};

catalogue! {
    // === The body ===

    /// The body is not JSON.
    NotJson { position: usize, reason: String } => 400, Some(InvalidSyntax),
        "The body is not JSON: {reason} at byte {position}.";
    /// The body has the same key twice in one object.
    DuplicateKey { key: Quoted } => 400, Some(InvalidSyntax),
        "The body names {key} twice in one object.";
    /// The body is nested deeper than the limit.
    TooDeep { limit: usize } => 400, Some(InvalidSyntax),
        "The body is nested deeper than the {limit} levels that are allowed.";
    /// The body is JSON, but no object.
    NotAnObject => 400, Some(InvalidSyntax),
        "The body must be a JSON object.";
    /// There is no body.
    EmptyBody => 400, Some(InvalidSyntax),
        "The request has no body; send a JSON object.";
    /// A PATCH request or one of its operations is not of the form of RFC 7644 §3.5.2.
    InvalidPatch { reason: String } => 400, Some(InvalidSyntax),
        "The PATCH request is malformed: {reason}.";
    /// The body of a search is another message (RFC 7644 §3.4.3).
    InvalidSearch => 400, Some(InvalidSyntax),
        "The body of a search must have the schema urn:ietf:params:scim:api:messages:2.0:SearchRequest.";
    /// A PATCH request has more operations than the limit.
    TooManyOperations { count: usize, limit: usize } => 400, Some(InvalidSyntax),
        "The PATCH request has {count} operations; at most {limit} are allowed in one.";
    /// A bulk request is not of the form of RFC 7644 §3.7.
    InvalidBulk { reason: String } => 400, Some(InvalidSyntax),
        "The bulk request is malformed: {reason}.";

    /// In strict mode: a name that the resource type does not have.
    UnknownAttribute { name: Quoted } => 400, Some(InvalidSyntax),
        "{name} is no attribute of this resource type.";
    /// `schemas` does not say which schemas the body uses (RFC 7643 §3.1).
    Schemas { reason: &'static str, urn: Quoted } => 400, Some(InvalidSyntax),
        "\"schemas\" {reason} {urn}.";

    // === Values ===

    /// A value is not of its attribute's type.
    WrongType { attribute: String, expected: String } => 400, Some(InvalidValue),
        "\"{attribute}\" must be {expected}.";
    /// A required attribute has no value.
    Required { attribute: String } => 400, Some(InvalidValue),
        "\"{attribute}\" is required.";
    /// A PATCH operation that needs a value has none.
    MissingValue => 400, Some(InvalidValue),
        "An \"add\" or \"replace\" needs a \"value\".";
    /// An attribute or value cannot be taken.
    BadValue { attribute: String, reason: String } => 400, Some(InvalidValue),
        "\"{attribute}\" {reason}.";
    /// A query parameter is malformed.
    BadParameter { name: String, reason: String } => 400, Some(InvalidValue),
        "The query parameter \"{name}\" {reason}.";
    /// A bulkId is referred to that no operation of the request has.
    UnknownBulkId { bulk_id: Quoted } => 400, Some(InvalidValue),
        "No operation of the request creates a resource with the bulkId {bulk_id}.";

    // === Sorting and pages ===

    /// `sortBy` names an attribute that does not exist. Of the keywords that
    /// table 9 has for a query, this is a value that does not fit the schema.
    SortAttribute { name: Quoted } => 400, Some(InvalidValue),
        "The query parameter \"sortBy\" names {name}, which is no attribute of this resource type.";
    /// A cursor was not made by the service, or for another query.
    BadCursor => 400, Some(InvalidCursor),
        "The cursor is not of this query: send nextCursor or previousCursor as it was answered, with all other parameters unchanged, or an empty cursor to begin again.";
    /// A cursor is too old, or what it reads is gone from the store's history.
    CursorExpired { reason: String } => 400, Some(ExpiredCursor),
        "The cursor has expired: {reason}. Begin again with an empty cursor.";
    /// A count that is no number, or that a cursor cannot have.
    BadCount { reason: String } => 400, Some(InvalidCount),
        "The query parameter \"count\" {reason}.";

    // === Paths and filters ===

    /// A filter is malformed.
    FilterSyntax { position: usize, reason: String } => 400, Some(InvalidFilter),
        "The filter is malformed at character {position}: {reason}.";
    /// A filter names an attribute that does not exist.
    FilterAttribute { name: Quoted } => 400, Some(InvalidFilter),
        "The filter names {name}, which is no attribute of this resource type.";
    /// A filter compares in a way that the attribute's type does not allow.
    FilterComparison { attribute: String, reason: String } => 400, Some(InvalidFilter),
        "The filter cannot compare \"{attribute}\": {reason}.";
    /// A filter or a sort names what no answer may tell (RFC 7643 §7: `returned`
    /// never, `writeOnly`). In a URL it is [`Error::Sensitive`].
    Secret { attribute: String } => 400, Some(InvalidFilter),
        "\"{attribute}\" is secret: nothing can be found or sorted by it.";
    /// A filter is longer, deeper or larger than the limit.
    FilterLimit { what: &'static str, limit: usize } => 400, Some(InvalidFilter),
        "The filter is too complex: its {what} exceeds the limit of {limit}.";
    /// The path of a PATCH operation is malformed.
    PathSyntax { position: usize, reason: String } => 400, Some(InvalidPath),
        "The path is malformed at character {position}: {reason}.";
    /// The path of a PATCH operation names an attribute that does not exist.
    PathAttribute { name: Quoted } => 400, Some(InvalidPath),
        "The path names {name}, which is no attribute of this resource type.";
    /// The path of a PATCH operation has a filter where it may not.
    PathFilter { attribute: String, reason: String } => 400, Some(InvalidPath),
        "The path cannot select from \"{attribute}\": {reason}.";
    /// A `remove` operation has no path.
    RemoveWithoutPath => 400, Some(NoTarget),
        "A \"remove\" needs a \"path\".";
    /// The filter in a path selects nothing.
    NothingSelected { path: String } => 400, Some(NoTarget),
        "The path \"{path}\" selects no value.";
    /// An attribute may not be written.
    NotMutable { attribute: String, reason: &'static str } => 400, Some(Mutability),
        "\"{attribute}\" {reason}.";

    // === The request ===

    /// The token is missing, malformed, unknown or no longer valid.
    Unauthorized { reason: &'static str } => 401, None,
        "The request is not authorized: {reason}.";
    /// The token lacks the scope.
    Forbidden { reason: String } => 403, None,
        "The token does not allow this: {reason}.";
    /// A URL asks for something secret, and URLs are logged (RFC 7644 §7.5.2; the
    /// status is EID 6893's).
    Sensitive { attribute: String } => 403, Some(Sensitive),
        "The URL compares \"{attribute}\", which is secret and does not belong in a URL; nothing can be found or sorted by it.";
    /// The discovery documents were asked for with a filter (RFC 7644 §4).
    DiscoveryFilter => 403, None,
        "These documents are given whole; ask without a filter.";
    /// No resource has this id.
    NoResource { resource_type: String, id: Quoted } => 404, None,
        "There is no {resource_type} with the id {id}.";
    /// The path names another version of the protocol (RFC 7644 §3.13).
    OtherVersion { version: Quoted } => 400, Some(InvalidVers),
        "The service speaks version 2 of SCIM, not {version}; name v2 in the path, or no version.";
    /// Nothing is at this path.
    NoEndpoint => 404, None,
        "There is no endpoint at this path.";
    /// The endpoint has no such method.
    MethodNotAllowed { method: String, allow: &'static str } => 405, None,
        "{method} is not allowed here; use one of {allow}.";
    /// The client takes neither of the two media types.
    NotAcceptable => 406, None,
        "The service answers with application/scim+json or application/json; the Accept header allows neither.";
    /// Another resource has the value.
    NotUnique { attribute: String, value: Quoted } => 409, Some(Uniqueness),
        "Another resource has the {attribute} {value}.";
    /// What is to come back has a value that no two may have and that another resource has by now.
    Taken { attribute: String, value: Quoted, holder: Quoted } => 409, Some(Uniqueness),
        "The {attribute} {value} is taken by the resource with the id {holder}; give that one another, or delete it.";
    /// An operation of a bulk request refers to what another one failed to create.
    BulkDependency { bulk_id: Quoted } => 409, None,
        "The operation refers to the bulkId {bulk_id}, and the operation that was to create that resource failed.";
    /// The precondition in `If-Match` or `If-None-Match` does not hold.
    PreconditionFailed => 412, None,
        "The resource has another version than the request asks for; read it again.";
    /// The body is larger than the limit.
    BodyTooLarge { limit: usize } => 413, None,
        "The body is larger than the {limit} bytes that are allowed, which is also the maxPayloadSize of bulk requests.";
    /// The body has more values than the limit.
    TooManyValues { limit: usize } => 413, None,
        "The body has more than the {limit} values that are allowed; each element of an array and each member of an object is one.";
    /// A bulk request has more operations than the limit (RFC 7644 §3.7.4).
    TooManyBulkOperations { count: usize, limit: usize } => 413, None,
        "The bulk request has {count} operations, more than the maxOperations ({limit}).";
    /// The change is larger than one transaction of the store holds.
    ChangeTooLarge { what: String, limit: usize } => 413, Some(TooMany),
        "The change is too large to be made at once: {what} exceeds the limit of {limit}. Split it into smaller requests.";
    /// The answer would be larger than the service gives.
    AnswerTooLarge { reason: String } => 400, Some(TooMany),
        "The answer would be too large: {reason}.";
    /// The body is of another media type.
    UnsupportedMediaType => 415, None,
        "The body must be application/scim+json or application/json.";
    /// The body is encoded, with gzip say.
    UnsupportedEncoding => 415, None,
        "The body must come as it is; send it without a Content-Encoding.";
    /// Somebody asks more often than the limit (RFC 6585 §4).
    TooManyRequests { what: &'static str, limit: usize, retry_after: u64 } => 429, None,
        "There were more than the {limit} {what} that are allowed. Try again in {retry_after} s.";
    /// Something is part of SCIM and not offered.
    NotImplemented { what: &'static str } => 501, None,
        "{what} is not supported.";

    // === The service ===

    /// Something inside the service is wrong.
    Internal { reason: String } => 500, None,
        "The service failed: {reason}.";
    /// The store is away, or too many writers compete.
    Unavailable { reason: &'static str } => 503, None,
        "{reason} Try again shortly.";
}

impl Error {
    /// The path of the attribute that the error is about, where there is one.
    #[must_use]
    pub fn attribute(&self) -> Option<&str> {
        match self {
            Self::WrongType { attribute, .. }
            | Self::Required { attribute }
            | Self::BadValue { attribute, .. }
            | Self::FilterComparison { attribute, .. }
            | Self::Secret { attribute }
            | Self::Sensitive { attribute }
            | Self::PathFilter { attribute, .. }
            | Self::NotMutable { attribute, .. }
            | Self::NotUnique { attribute, .. }
            | Self::Taken { attribute, .. } => Some(attribute),
            Self::InOperation { error, .. } => error.attribute(),
            _ => None,
        }
    }

    /// The number of the character at which a filter or a path is malformed, from 1.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::FilterSyntax { position, .. } | Self::PathSyntax { position, .. } => {
                Some(*position)
            }
            Self::InOperation { error, .. } => error.position(),
            _ => None,
        }
    }

    /// The error of one operation of a PATCH request.
    pub(crate) fn in_operation(self, number: usize) -> Self {
        Self::InOperation {
            number,
            error: Box::new(self),
        }
    }

    /// The error as it is told when the request's URL caused it: there a secret
    /// attribute is more than a mistake in a filter (RFC 7644 §7.5.2).
    #[must_use]
    pub fn in_url(self) -> Self {
        match self {
            Self::Secret { attribute } => Self::Sensitive { attribute },
            other => other,
        }
    }
}

impl std::error::Error for Error {}
