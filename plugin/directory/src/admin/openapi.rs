//! The description of this interface and of the network's questions, for whoever makes a client: an
//! OpenAPI document beside this file. The tests hold it against the table of routes and against
//! answers.

use crate::config::Config;
use crate::http::Response;
use crate::negotiation::JSON;

/// OpenAPI 3.1, with the paths that a configuration has unless it says otherwise.
const DOCUMENT: &str = include_str!("openapi.json");
const ADMIN_PATH: &str = "/admin/v1";
const ACCESS_PATH: &str = "/access/v1";

/// The document, with the paths of a configuration.
pub(super) fn describe(config: &Config) -> Response {
    let mut document = DOCUMENT.to_owned();
    for (usual, path) in [
        (ADMIN_PATH, config.admin_path.as_str()),
        (ACCESS_PATH, config.access_path.as_str()),
    ] {
        if path != usual {
            // A path is a key of its own: `"/admin/v1/tenants":`.
            document = document.replace(&format!("\"{usual}/"), &format!("\"{path}/"));
        }
    }
    let response = Response {
        status: 200,
        body: document.into_bytes(),
        headers: Vec::new(),
    };
    response
        .with("content-type", JSON)
        .with("cache-control", "no-store")
}
