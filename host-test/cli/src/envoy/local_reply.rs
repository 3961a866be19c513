//! The template's `local_reply_config` for a host that is not Envoy, so that both answer the same.

use crate::envoy::bootstrap::Bootstrap;
use crate::error::Error;
use serde_json::Value;

/// How the host calls its answer to what the filter let pass.
const ROUTE: &str = "direct_response";

/// SCIM errors for what the proxy itself refuses.
#[derive(Clone, Debug)]
pub(crate) struct LocalReplies {
    /// The body of the answer to what no route leads anywhere.
    route: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// Every status from this one on, or only this one.
    and_above: bool,
    status: u16,
    content_type: String,
    body: String,
}

impl LocalReplies {
    /// The rules of the template, in its order.
    ///
    /// # Errors
    /// [`Error::Template`] when a rule is not of the form that is read here.
    pub(crate) fn of(bootstrap: &Bootstrap) -> Result<Self, Error> {
        let unreadable = || Error::Template("readable local_reply_config".into());
        let (route, rules) = bootstrap
            .local_reply_mappers()?
            .split_first()
            .ok_or_else(unreadable)?;
        let rules = rules
            .iter()
            .map(|mapper| Rule::read(mapper).ok_or_else(unreadable));
        Ok(Self {
            route: body(route).ok_or_else(unreadable)?,
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// Content type and body for a reply of the proxy's own; what no rule covers stays as it is.
    /// What the filter let pass gets the route's answer, as in Envoy: it is not SCIM's.
    pub(crate) fn shape(&self, status: u16, details: &str, body: &str) -> (String, String) {
        if details == ROUTE {
            return ("text/plain".into(), self.route.clone());
        }
        let rule = self
            .rules
            .iter()
            .find(|rule| status == rule.status || (rule.and_above && status > rule.status));
        match rule {
            None => ("text/plain".into(), body.into()),
            Some(rule) => {
                let body = rule
                    .body
                    .replace("%RESPONSE_CODE_DETAILS%", details)
                    .replace("%RESPONSE_CODE%", &status.to_string());
                (rule.content_type.clone(), body)
            }
        }
    }
}

impl Rule {
    fn read(mapper: &Value) -> Option<Self> {
        let comparison =
            mapper.pointer("/filter/and_filter/filters/0/status_code_filter/comparison")?;
        let format = mapper.get("body_format_override")?;
        Some(Self {
            and_above: match comparison.get("op")?.as_str()? {
                "EQ" => false,
                "GE" => true,
                _ => return None,
            },
            status: comparison
                .pointer("/value/default_value")?
                .as_u64()?
                .try_into()
                .ok()?,
            content_type: format.get("content_type")?.as_str()?.into(),
            body: body(mapper)?,
        })
    }
}

/// What a mapper says.
fn body(mapper: &Value) -> Option<String> {
    let body = mapper.pointer("/body_format_override/text_format_source/inline_string")?;
    Some(body.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(status: u16) -> (String, Value) {
        let replies = LocalReplies::of(&Bootstrap::production().unwrap()).unwrap();
        let (content_type, body) = replies.shape(status, "some_detail", "plain");
        (content_type, serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn every_error_of_the_proxy_becomes_a_scim_error() {
        for status in [400, 404, 408, 413, 426, 431, 500, 503, 504] {
            let (content_type, body) = shaped(status);
            assert_eq!(content_type, "application/scim+json");
            assert_eq!(
                body["schemas"][0],
                "urn:ietf:params:scim:api:messages:2.0:Error"
            );
            assert_eq!(body["status"], status.to_string());
        }
    }

    #[test]
    fn what_has_no_sentence_of_its_own_shows_the_proxys_detail() {
        assert!(
            shaped(400).1["detail"]
                .as_str()
                .unwrap()
                .contains("some_detail")
        );
        assert!(
            !shaped(413).1["detail"]
                .as_str()
                .unwrap()
                .contains("some_detail")
        );
    }

    #[test]
    fn success_and_what_is_not_below_the_base_path_stay_plain() {
        let replies = LocalReplies::of(&Bootstrap::production().unwrap()).unwrap();
        for (status, details, body) in [(200, "", "plain"), (404, ROUTE, "not found\n")] {
            assert_eq!(
                replies.shape(status, details, "plain"),
                ("text/plain".into(), body.into())
            );
        }
    }
}
