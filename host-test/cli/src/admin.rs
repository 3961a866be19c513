//! The plugin's admin API, as far as a start needs it: a tenant and tokens in it.

use crate::error::Error;
use crate::http::{Client, HttpError, Url};
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A client with the admin key.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) client: Client,
    /// The API's URL.
    pub(crate) url: String,
    /// The admin key.
    pub(crate) key: String,
    /// Where to look when the API refuses.
    pub(crate) log: PathBuf,
}

impl Admin {
    /// Makes the tenant; it may be there already. `Ok(false)` means: not now, ask again.
    pub(crate) async fn make_tenant(&self, id: &str) -> Result<bool, Error> {
        match self.post("/tenants", &json!({"id": id, "name": id})).await {
            Ok((StatusCode::CREATED | StatusCode::CONFLICT, _)) => Ok(true),
            Ok((StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, _)) => Ok(false),
            Ok((status, body)) => Err(self.refused("POST /tenants", status, &body)),
            Err(HttpError::Connection(_) | HttpError::Answer(_) | HttpError::Timeout(_)) => {
                Ok(false)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Makes a token with one scope in the tenant.
    pub(crate) async fn make_token(
        &self,
        tenant: &str,
        label: &str,
        scope: &str,
    ) -> Result<String, Error> {
        let path = format!("/tenants/{tenant}/tokens");
        let (status, body) = self
            .post(&path, &json!({"label": label, "scopes": [scope]}))
            .await?;
        let token = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|answer| Some(answer.get("token")?.as_str()?.to_owned()));
        match token {
            Some(token) if status == StatusCode::CREATED => Ok(token),
            Some(_) | None => Err(self.refused(&format!("POST {path}"), status, &body)),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Bytes), HttpError> {
        let url = Url::parse(&format!("{}{path}", self.url))?;
        let mut headers = bearer(&self.key)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = body.to_string();
        let response = self
            .client
            .send(&Method::POST, &url, &headers, Some(body.as_bytes()))
            .await?;
        Ok((response.status(), response.into_body()))
    }

    fn refused(&self, request: &str, status: StatusCode, body: &[u8]) -> Error {
        Error::Admin {
            request: request.into(),
            status: status.as_u16(),
            body: String::from_utf8_lossy(body).trim().to_owned(),
            log: self.log.clone(),
        }
    }
}

/// The header that carries a token.
pub(crate) fn bearer(token: &str) -> Result<HeaderMap, HttpError> {
    let value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(hyper::http::Error::from)?;
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}
