//! The table of routes.

use super::Operation as Op;
use super::Route;
use scim::schema::ResourceTypeId;

/// The routes of one resource type.
pub(super) fn of_type(definition: &scim::schema::ResourceType) -> [Route; 3] {
    let (id, endpoint) = (definition.id, &definition.endpoint);
    [
        Route::new(
            endpoint.clone(),
            "GET, HEAD, POST, OPTIONS",
            &[("GET", Op::List(Some(id))), ("POST", Op::Create(id))],
        ),
        Route::new(
            format!("{endpoint}/.search"),
            "POST, OPTIONS",
            &[("POST", Op::Search(Some(id)))],
        ),
        Route::new(
            format!("{endpoint}/{{id}}"),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            &[
                ("GET", Op::Read(id)),
                ("PUT", Op::Replace(id)),
                ("PATCH", Op::Patch(id)),
                ("DELETE", Op::Delete(id)),
            ],
        ),
    ]
}

/// The routes that are there whatever the resource types.
pub(super) fn of_service(user: ResourceTypeId) -> [Route; 9] {
    [
        Route::new(
            "/ServiceProviderConfig",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ServiceProviderConfig)],
        ),
        Route::new(
            "/ResourceTypes",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ResourceTypes)],
        ),
        Route::new(
            "/ResourceTypes/{name}",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ResourceType)],
        ),
        Route::new("/Schemas", "GET, HEAD, OPTIONS", &[("GET", Op::Schemas)]),
        Route::new(
            "/Schemas/{urn}",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::Schema)],
        ),
        Route::new("", "GET, HEAD, OPTIONS", &[("GET", Op::List(None))]),
        Route::new("/.search", "POST, OPTIONS", &[("POST", Op::Search(None))]),
        Route::new("/Bulk", "POST, OPTIONS", &[("POST", Op::Bulk)]),
        Route::new(
            "/Me",
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            &[
                ("GET", Op::Read(user)),
                ("POST", Op::NotImplemented("To create oneself")),
                ("PUT", Op::Replace(user)),
                ("PATCH", Op::Patch(user)),
                ("DELETE", Op::Delete(user)),
            ],
        ),
    ]
}

/// The administrator's routes.
pub(super) fn of_administrator() -> Vec<Route> {
    vec![
        Route::new(
            "/openapi.json",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::Describe)],
        ),
        Route::new(
            "/tenants",
            "GET, HEAD, POST, OPTIONS",
            &[("GET", Op::ListTenants), ("POST", Op::CreateTenant)],
        ),
        Route::new(
            "/tenants/{tenant}/tokens",
            "GET, HEAD, POST, OPTIONS",
            &[("GET", Op::ListTokens), ("POST", Op::CreateToken)],
        ),
        Route::new(
            "/tenants/{tenant}/tokens/{id}",
            "DELETE, OPTIONS",
            &[("DELETE", Op::DeleteToken)],
        ),
        Route::new(
            "/tenants/{tenant}/tokens/{id}/rotate",
            "POST, OPTIONS",
            &[("POST", Op::RotateToken)],
        ),
        Route::new(
            "/tenants/{tenant}/policies",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListPolicies)],
        ),
        Route::new(
            "/tenants/{tenant}/policies/{group}",
            "GET, HEAD, PUT, DELETE, OPTIONS",
            &[
                ("GET", Op::ReadPolicy),
                ("PUT", Op::ReplacePolicy),
                ("DELETE", Op::DeletePolicy),
            ],
        ),
        Route::new(
            "/tenants/{tenant}/policy-report",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::PolicyReport)],
        ),
        Route::new(
            "/tenants/{tenant}/access/{userName}",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::DecideForAdministrator)],
        ),
        Route::new(
            "/tenants/{tenant}/sessions",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListSessions)],
        ),
        Route::new(
            "/tenants/{tenant}/events",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListEvents)],
        ),
        Route::new(
            "/tenants/{tenant}/users",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListUsers)],
        ),
        Route::new(
            "/tenants/{tenant}/users/{id}",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ReadUser)],
        ),
        Route::new(
            "/tenants/{tenant}/groups",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListGroups)],
        ),
        Route::new(
            "/tenants/{tenant}/deleted-users",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::ListDeletedUsers)],
        ),
        Route::new(
            "/tenants/{tenant}/deleted-users/{id}/restore",
            "POST, OPTIONS",
            &[("POST", Op::RestoreUser)],
        ),
    ]
}

/// The routes of the network's questions.
pub(super) fn of_access() -> Vec<Route> {
    vec![
        Route::new("/authorize", "POST, OPTIONS", &[("POST", Op::Authorize)]),
        Route::new("/accounting", "POST, OPTIONS", &[("POST", Op::Accounting)]),
        Route::new(
            "/users/{userName}",
            "GET, HEAD, OPTIONS",
            &[("GET", Op::Decide)],
        ),
    ]
}
