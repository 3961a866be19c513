//! The root context: takes the configuration, makes a stream's context, ticks.

use crate::config::Config;
use crate::executor::TaskId;
use crate::service::Service;
use crate::stream::{Stream, buffer, grpc_reply, http_status};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};
use std::rc::Rc;

/// The root context of one configuration in one VM.
#[derive(Debug)]
pub(crate) struct Root {
    id: TaskId,
    service: Option<Rc<Service>>,
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id: TaskId::of(id),
            service: None,
        }
    }

    fn configure(&mut self, size: usize) -> Result<(), String> {
        let bytes = buffer(BufferType::PluginConfiguration, size);
        let config = Config::from_json(&bytes).map_err(|e| e.to_string())?;
        let service = Service::new(config).map_err(|e| e.to_string())?;
        service.keep_clean(self.id);
        service.deliver_webhooks(self.id);
        self.service = Some(Rc::new(service));
        Ok(())
    }
}

impl Context for Root {
    /// Replies to calls that a task made when it went on at a tick: the SDK
    /// hands those to the root context.
    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        if let Some(service) = &self.service {
            service.complete(token, grpc_reply(status, size));
        }
    }

    /// Answers of receivers of webhooks. A call that failed has no headers, and it is a trap to
    /// ask for one.
    fn on_http_call_response(&mut self, token: u32, headers: usize, _: usize, _: usize) {
        if let Some(service) = &self.service {
            let status = (headers > 0).then(http_status).flatten();
            service.complete_http(token, status);
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match self.configure(size) {
            Ok(()) => true,
            Err(error) => {
                log::error!("scim-edge: configuration refused: {error}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(service) = &self.service {
            service.tick();
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(id, self.service.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
