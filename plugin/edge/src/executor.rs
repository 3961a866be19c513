//! Runs futures over the host's callbacks.
//!
//! A request is one boxed future. It is polled when something it waits for has
//! come: the reply to a call, or the end of a pause at a tick. There are no
//! wakers to trust: whoever completes a wait polls the task that waits.
//!
//! Each `RefCell` here is borrowed for one statement, never while a future is
//! polled: polling calls back into this module.

use crate::environment::now_millis;
use directory::Answer;
use etcd_kv::{NotSent, Reply};
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Names a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TaskId {
    /// The id of the stream's context, or of the root context: whose calls its calls are.
    context: u32,
    /// Which of that context's tasks it is.
    number: usize,
}

impl TaskId {
    /// The first task of a context; a stream has no other.
    pub(crate) fn of(context: u32) -> Self {
        Self { context, number: 0 }
    }

    /// Another task of the same context.
    pub(crate) fn beside(self, number: usize) -> Self {
        Self { number, ..self }
    }

    /// The context.
    pub(crate) fn context(self) -> u32 {
        self.context
    }
}

/// Names a call, as the host does: each kind of call for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Token {
    Grpc(u32),
    Http(u32),
}

/// What came of a call.
#[derive(Debug)]
enum Outcome {
    Grpc(Reply),
    /// The status of the answer, if there was one.
    Http(Option<u16>),
}

type Task = Pin<Box<dyn Future<Output = Answer>>>;

/// All tasks of a VM and what they wait for.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: RefCell<HashMap<TaskId, Task>>,
    calls: RefCell<HashMap<Token, Call>>,
    sleepers: RefCell<Vec<Sleeper>>,
    current: Cell<TaskId>,
    polled_at: Cell<u64>,
}

struct Call {
    task: TaskId,
    outcome: Option<Outcome>,
}

struct Sleeper {
    task: TaskId,
    until_millis: u64,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl Executor {
    /// No pause ends earlier than this.
    const SHORTEST_TICK: u64 = 5;

    /// The time at which the current task was polled, in milliseconds since the Unix epoch: the
    /// present, to whoever is in a task, without another call of the host.
    pub(crate) fn polled_at(&self) -> u64 {
        self.polled_at.get()
    }

    /// Starts a task. Its answer, if it needs to wait for nothing.
    pub(crate) fn start(
        &self,
        id: TaskId,
        task: impl Future<Output = Answer> + 'static,
    ) -> Option<Answer> {
        self.poll(id, Box::pin(task))
    }

    /// Drops a task, wherever it is: every operation commits last and once, so
    /// what it did is whole.
    pub(crate) fn cancel(&self, id: TaskId) {
        let task = self.tasks.borrow_mut().remove(&id);
        drop(task);
        self.sleepers.borrow_mut().retain(|s| s.task != id);
    }

    /// Takes the reply to a gRPC call, and the answer of the task that waited for it
    /// if that was the last thing it waited for.
    pub(crate) fn complete(&self, token: u32, reply: Reply) -> Option<(TaskId, Answer)> {
        self.settle(Token::Grpc(token), Outcome::Grpc(reply))
    }

    /// The same of an HTTP call: the status of its answer, if there was one.
    pub(crate) fn complete_http(
        &self,
        token: u32,
        status: Option<u16>,
    ) -> Option<(TaskId, Answer)> {
        self.settle(Token::Http(token), Outcome::Http(status))
    }

    fn settle(&self, token: Token, outcome: Outcome) -> Option<(TaskId, Answer)> {
        let task = {
            let mut calls = self.calls.borrow_mut();
            let call = calls.get_mut(&token)?;
            call.outcome = Some(outcome);
            call.task
        };
        self.resume(task).map(|answer| (task, answer))
    }

    /// Ends the pauses whose time has come. Returns the answers of tasks that
    /// are done with it.
    pub(crate) fn tick(&self) -> Vec<(TaskId, Answer)> {
        let now = now_millis();
        let due: Vec<TaskId> = {
            let mut sleepers = self.sleepers.borrow_mut();
            let due = sleepers
                .iter()
                .filter(|s| s.until_millis <= now)
                .map(|s| s.task)
                .collect();
            sleepers.retain(|s| s.until_millis > now);
            due
        };
        let mut answers = Vec::new();
        for task in due {
            // The calls it makes now are made for its context.
            if hostcalls::set_effective_context(task.context).is_err() {
                self.cancel(task);
                continue;
            }
            if let Some(answer) = self.resume(task) {
                answers.push((task, answer));
            }
        }
        self.schedule();
        answers
    }

    /// Makes a unary gRPC call of etcd's service.
    pub(crate) async fn call(
        self: &Rc<Self>,
        upstream: &str,
        service: &str,
        method: &str,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Reply, NotSent> {
        let token = hostcalls::dispatch_grpc_call(
            upstream,
            service,
            method,
            Vec::new(),
            Some(message),
            timeout,
        )
        .map_err(|status| NotSent(status as u32))?;
        match self.wait(Token::Grpc(token)).await {
            Outcome::Grpc(reply) => Ok(reply),
            Outcome::Http(_) => Err(NotSent(Status::InternalFailure as u32)),
        }
    }

    /// Makes an HTTP call and waits for the status of its answer.
    ///
    /// # Errors
    /// Why there is none, as a part of a sentence.
    pub(crate) async fn call_http(
        self: &Rc<Self>,
        cluster: &str,
        headers: Vec<(&str, &str)>,
        body: &[u8],
        timeout: Duration,
    ) -> Result<u16, &'static str> {
        let token =
            hostcalls::dispatch_http_call(cluster, headers, Some(body), Vec::new(), timeout)
                .map_err(|status| match status {
                    Status::BadArgument => "the proxy has no such cluster",
                    _ => "the proxy did not send it",
                })?;
        match self.wait(Token::Http(token)).await {
            Outcome::Http(Some(status)) => Ok(status),
            Outcome::Http(None) | Outcome::Grpc(_) => Err("the connection failed"),
        }
    }

    async fn wait(self: &Rc<Self>, token: Token) -> Outcome {
        self.calls.borrow_mut().insert(
            token,
            Call {
                task: self.current.get(),
                outcome: None,
            },
        );
        // Forgets the call also when the task is dropped while it waits.
        let waiting = Waiting {
            executor: Rc::clone(self),
            token,
        };
        poll_fn(|_| waiting.poll()).await
    }

    /// Pauses the current task.
    pub(crate) async fn sleep(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let until_millis = now_millis().saturating_add(millis);
        self.sleepers.borrow_mut().push(Sleeper {
            task: self.current.get(),
            until_millis,
        });
        self.schedule();
        poll_fn(|_| {
            if self.polled_at() >= until_millis {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn resume(&self, id: TaskId) -> Option<Answer> {
        let task = self.tasks.borrow_mut().remove(&id)?;
        self.poll(id, task)
    }

    fn poll(&self, id: TaskId, mut task: Task) -> Option<Answer> {
        self.polled_at.set(now_millis());
        let before = self.current.replace(id);
        let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.current.set(before);
        match polled {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => {
                self.tasks.borrow_mut().insert(id, task);
                None
            }
        }
    }

    /// Asks for a tick when the next pause ends.
    fn schedule(&self) {
        let next = self.sleepers.borrow().iter().map(|s| s.until_millis).min();
        let period = next.map_or(Duration::ZERO, |until| {
            let left = until.saturating_sub(now_millis());
            Duration::from_millis(left.max(Self::SHORTEST_TICK))
        });
        if hostcalls::set_tick_period(period).is_err() {
            log::warn!("the host does not tick; pauses between retries may not end");
        }
    }
}

struct Waiting {
    executor: Rc<Executor>,
    token: Token,
}

impl Waiting {
    fn poll(&self) -> Poll<Outcome> {
        self.executor
            .calls
            .borrow_mut()
            .get_mut(&self.token)
            .and_then(|call| call.outcome.take())
            .map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.executor.calls.borrow_mut().remove(&self.token);
    }
}
