//! What HTTP adds in front of the service: gzip, lengths of what HEAD does not send, the alias of
//! the base path, and `/Me` of a token that stands for a user.

use hyper::Method;
use serde_json::json;
use tests::client::{Client, Reply, empty};
use tests::endpoint::{Endpoint, Proxy, Store};
use tests::{Needs, scim, within};

async fn ask(client: &mut Client, method: Method, path: &str, gzip: bool) -> Reply {
    let mut request = client.request(method, path);
    if gzip {
        request = request.header("accept-encoding", "gzip, deflate");
    }
    let request = request.body(empty()).expect("a valid request");
    client.try_send(request).await.expect("an answer")
}

#[test]
fn envoy_compresses_long_answers_for_clients_that_accept_it() {
    within(60, &[Needs::Envoy], async {
        let endpoint = Endpoint::start(Proxy::Envoy, Store::Embedded).await;
        let mut client = endpoint.client();
        for n in 0..20 {
            let user = scim::user(&format!("user-{n}@example.com"));
            assert_eq!(client.post("/Users", &user).await.status, 201);
        }
        for path in ["/Users", "/Schemas"] {
            let plain = ask(&mut client, Method::GET, path, false).await;
            assert_eq!(plain.header("content-encoding"), "");
            let packed = ask(&mut client, Method::GET, path, true).await;
            assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
            assert_eq!(packed.header("vary"), "Accept-Encoding");
            assert_eq!(packed.header("content-type"), scim::MEDIA_TYPE);
            assert_eq!(packed.header("etag"), plain.header("etag"));
            assert!(packed.body.len() < plain.body.len() / 3, "{path}");
            // RFC 1952: begins with a magic number, ends with the size before compression.
            assert!(packed.body.starts_with(&[0x1f, 0x8b]));
            let (_, size) = packed.body.split_last_chunk().expect("a trailer");
            assert_eq!(
                u32::from_le_bytes(*size) as usize,
                plain.body.len(),
                "{path}"
            );
        }
        let etag = ask(&mut client, Method::GET, "/Schemas", true).await;
        let known = client
            .request(Method::GET, "/Schemas")
            .header("accept-encoding", "gzip")
            .header("if-none-match", etag.header("etag"))
            .body(empty())
            .expect("a valid request");
        assert_eq!(client.try_send(known).await.expect("an answer").status, 304);
        let short = ask(&mut client, Method::GET, "/Users/none", true).await;
        assert_eq!(short.header("content-encoding"), "");
    });
}

#[test]
fn head_on_envoy_has_the_headers_of_get_and_no_body() {
    within(60, &[Needs::Envoy], head(Proxy::Envoy));
}

#[test]
fn head_on_wasmtime_has_the_headers_of_get_and_no_body() {
    within(60, &[], head(Proxy::Wasmtime));
}

async fn head(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let mut client = endpoint.client();
    let made = client.post("/Users", &scim::user("ada@example.com")).await;
    let user = format!("/Users/{}", made.text("/id"));
    for path in [&user, "/Users", "/Schemas", "/Users/none", "/Me"] {
        for gzip in [false, true] {
            let get = ask(&mut client, Method::GET, path, false).await;
            let head = ask(&mut client, Method::HEAD, path, gzip).await;
            assert_eq!(head.status, get.status, "{path}");
            assert!(head.body.is_empty());
            for name in [
                "content-length",
                "content-type",
                "etag",
                "location",
                "cache-control",
            ] {
                assert_eq!(head.header(name), get.header(name), "{path} {name}");
            }
        }
    }
}

#[test]
fn alias_and_me_work_on_envoy() {
    within(60, &[Needs::Envoy], alias_and_me(Proxy::Envoy));
}

#[test]
fn alias_and_me_work_on_wasmtime() {
    within(60, &[], alias_and_me(Proxy::Wasmtime));
}

async fn alias_and_me(proxy: Proxy) {
    let endpoint = Endpoint::start(proxy, Store::Embedded).await;
    let (address, ready) = (endpoint.running().address(), endpoint.running().ready());
    let mut alias = Client::new(address, "/scim", &ready.token);
    let made = alias.post("/Users", &scim::user("ada@example.com")).await;
    assert_eq!(made.status, 201, "{made}");
    let (id, location) = (made.text("/id"), made.text("/meta/location"));
    assert_eq!(location, format!("http://{address}/scim/v2/Users/{id}"));
    assert_eq!(alias.get(&format!("/v2/Users/{id}")).await.status, 200);
    let other = alias.get("/v1/Users").await;
    scim::expect_error(&other, &[400]).unwrap();
    assert_eq!(other.text("/scimType"), "invalidVers");

    let mut admin = Client::new(address, "/admin/v1", &ready.admin_key);
    let tenants = admin.get("/tenants").await;
    let tokens = format!("/tenants/{}/tokens", tenants.text("/tenants/0/id"));
    let token = admin
        .post(&tokens, &json!({"scopes": ["scim"], "user": id}))
        .await;
    assert_eq!(token.status, 201, "{token}");
    let mut own = Client::new(address, "/scim", &token.text("/token"));
    let me = own.get("/Me").await;
    assert_eq!((me.status, me.text("/id")), (200, id), "{me}");
    assert_eq!(me.header("location"), location);
    let title = json!([{"op": "add", "path": "title", "value": "Countess"}]);
    assert_eq!(own.patch("/Me", &title).await.text("/title"), "Countess");
    let gone = own.delete("/Me").await;
    assert_eq!((gone.status, gone.header("location")), (204, &*location));
    scim::expect_error(&own.get("/Me").await, &[404]).unwrap();
    assert_eq!(alias.get("/Me").await.status, 501);
}
