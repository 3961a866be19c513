//! How what clients ask for stands in a request.

use crate::operation::{
    Call, Filter, GroupChange, GroupForm, Kind, Member, Op, Paging, Query, UserChange, UserForm,
};
use crate::tenants::{admin_key, token};
use directory::http::{Request, Source};
use serde_json::{Value, json};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

impl Call {
    pub(crate) fn request(&self) -> Request {
        let (method, path, body) = self.op.parts();
        let (base, credential) = match &self.op {
            Op::Revoke(_) => ("/admin/v1", admin_key().to_owned()),
            _ => ("/scim/v2", token(self.caller)),
        };
        let authorization = format!("Bearer {credential}");
        let mut headers = vec![("authorization".to_owned(), authorization.into_bytes())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), b"application/scim+json".to_vec()));
        }
        if let Some(version) = self.version {
            let name = match self.op.writes() {
                true => "if-match",
                false => "if-none-match",
            };
            let tag = format!("W/\"{version}\"").into_bytes();
            headers.push((name.to_owned(), tag));
        }
        Request {
            method: method.to_owned(),
            target: format!("{base}{path}"),
            scheme: "https".to_owned(),
            authority: "scim.example.com".to_owned(),
            source: Source::default(),
            headers,
            body: body
                .map(|body| body.to_string())
                .unwrap_or_default()
                .into_bytes(),
        }
    }
}

impl Op {
    /// Method, path and body.
    fn parts(&self) -> (&'static str, String, Option<Value>) {
        match self {
            Self::CreateUser(form) => ("POST", "/Users".to_owned(), Some(form.body())),
            Self::ReplaceUser(id, form) => ("PUT", format!("/Users/{id}"), Some(form.body())),
            Self::PatchUser(id, changes) => {
                let changes: Vec<_> = changes.iter().map(UserChange::body).collect();
                ("PATCH", format!("/Users/{id}"), Some(patch(&changes)))
            }
            Self::DeleteUser(id) => ("DELETE", format!("/Users/{id}"), None),
            Self::GetUser(id) => ("GET", format!("/Users/{id}"), None),
            Self::CreateGroup(form) => ("POST", "/Groups".to_owned(), Some(form.body())),
            Self::ReplaceGroup(id, form) => ("PUT", format!("/Groups/{id}"), Some(form.body())),
            Self::PatchGroup(id, changes) => {
                let changes: Vec<_> = changes.iter().map(GroupChange::body).collect();
                ("PATCH", format!("/Groups/{id}"), Some(patch(&changes)))
            }
            Self::DeleteGroup(id) => ("DELETE", format!("/Groups/{id}"), None),
            Self::GetGroup(id, true) => ("GET", format!("/Groups/{id}"), None),
            Self::GetGroup(id, false) => {
                let path = format!("/Groups/{id}?excludedAttributes=members");
                ("GET", path, None)
            }
            Self::List(query) => query.parts(),
            Self::Bulk(operations) => ("POST", "/Bulk".to_owned(), Some(bulk(operations))),
            Self::Revoke(of) => ("DELETE", of.admin_path(), None),
            // No request at all: what an edge does by itself.
            Self::Sweep => ("SWEEP", String::new(), None),
        }
    }
}

impl UserForm {
    fn body(&self) -> Value {
        let emails = self.emails.iter().map(|email| json!({"value": email}));
        let mut body = json!({"userName": self.name, "emails": emails.collect::<Vec<_>>()});
        if let Some(external) = &self.external {
            body["externalId"] = json!(external);
        }
        if let Some(active) = self.active {
            body["active"] = json!(active);
        }
        body
    }
}

impl GroupForm {
    fn body(&self) -> Value {
        let mut body = json!({"displayName": self.name, "members": members(&self.members)});
        if let Some(external) = &self.external {
            body["externalId"] = json!(external);
        }
        body
    }
}

impl UserChange {
    fn body(&self) -> Value {
        match self {
            Self::Name(name) => json!({"op": "replace", "path": "userName", "value": name}),
            Self::Active(active) => json!({"op": "replace", "path": "active", "value": active}),
            Self::External(external) => external_id(external.as_deref()),
            Self::AddEmail(email) => {
                json!({"op": "add", "path": "emails", "value": [{"value": email}]})
            }
            Self::RemoveEmails => json!({"op": "remove", "path": "emails"}),
        }
    }
}

impl GroupChange {
    fn body(&self) -> Value {
        match self {
            Self::Name(name) => json!({"op": "replace", "path": "displayName", "value": name}),
            Self::External(external) => external_id(external.as_deref()),
            Self::Add(list) => json!({"op": "add", "path": "members", "value": members(list)}),
            Self::Set(list) => json!({"op": "replace", "path": "members", "value": members(list)}),
            Self::Remove(ids) => match ids.as_slice() {
                [id] => json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
                ids => {
                    let list = ids.iter().map(|id| json!({"value": id.as_ref()}));
                    json!({"op": "remove", "path": "members", "value": list.collect::<Vec<_>>()})
                }
            },
        }
    }
}

impl Query {
    fn parts(&self) -> (&'static str, String, Option<Value>) {
        let endpoint = match self.of {
            Kind::User => "/Users",
            Kind::Group => "/Groups",
        };
        let filter = self.filter.as_ref().map(|filter| filter.text(self.of));
        if self.search {
            let mut body = json!({"schemas": [SEARCH]});
            if let Some(filter) = filter {
                body["filter"] = json!(filter);
            }
            match &self.paging {
                Paging::Index { start, count } => {
                    (body["startIndex"], body["count"]) = (json!(start), json!(count));
                }
                Paging::Cursor { walk, count } => {
                    let cursor = walk.cursor.as_deref().unwrap_or_default();
                    (body["cursor"], body["count"]) = (json!(cursor), json!(count));
                }
            }
            return ("POST", format!("{endpoint}/.search"), Some(body));
        }
        let mut path = match &self.paging {
            Paging::Index { start, count } => {
                format!("{endpoint}?startIndex={start}&count={count}")
            }
            Paging::Cursor { walk, count } => {
                let cursor = walk.cursor.as_deref().unwrap_or_default();
                format!("{endpoint}?cursor={cursor}&count={count}")
            }
        };
        if let Some(filter) = filter {
            path.push_str("&filter=");
            path.push_str(&filter.replace(' ', "+").replace('"', "%22"));
        }
        ("GET", path, None)
    }
}

impl Filter {
    fn text(&self, of: Kind) -> String {
        match (self, of) {
            (Self::Name(name), Kind::User) => format!("userName eq \"{name}\""),
            (Self::Name(name), Kind::Group) => format!("displayName eq \"{name}\""),
            (Self::External(external), _) => format!("externalId eq \"{external}\""),
            (Self::Email(email), _) => format!("emails.value eq \"{email}\""),
            (Self::Active(active), _) => format!("active eq {active}"),
            (Self::Membership(id), Kind::User) => format!("groups.value eq \"{id}\""),
            (Self::Membership(id), Kind::Group) => format!("members.value eq \"{id}\""),
        }
    }
}

fn external_id(external: Option<&str>) -> Value {
    match external {
        Some(external) => json!({"op": "replace", "path": "externalId", "value": external}),
        None => json!({"op": "remove", "path": "externalId"}),
    }
}

fn members(list: &[Member]) -> Value {
    let members = list.iter().map(|(id, display)| match display {
        Some(display) => json!({"value": id.as_ref(), "display": display}),
        None => json!({"value": id.as_ref()}),
    });
    members.collect()
}

fn patch(operations: &[Value]) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn bulk(operations: &[Op]) -> Value {
    let operations = operations.iter().enumerate().map(|(at, op)| {
        let (method, path, data) = op.parts();
        let mut operation = json!({"method": method, "path": path});
        if let Some(data) = data {
            operation["data"] = data;
        }
        if method == "POST" {
            operation["bulkId"] = json!(at.to_string());
        }
        operation
    });
    json!({"schemas": [BULK], "Operations": operations.collect::<Vec<_>>()})
}
