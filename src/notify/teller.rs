//! Has messages delivered on a thread of its own, each rule by itself.
//!
//! [`Teller::tell`] never waits: a queue that is full drops what is new. Dropping the [`Guard`] at the end waits a short while for
//! what is under way; whatever is not delivered by then is given up, and killed where it is a program of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{Sender, channel};

use super::{Message, Rule, deliver};

/// The most messages that wait for one rule.
const QUEUE: usize = 32;

/// Looks at a message's text before it goes out: gives it masked, or says that it may not go.
pub type Censor = Arc<dyn Fn(&str) -> Result<String, String> + Send + Sync>;

/// Says a sentence to whoever is at the run.
pub type Say = Arc<dyn Fn(String) + Send + Sync>;

/// Hands messages to the rules.
pub struct Teller {
    rules: Vec<(Rule, Sender<Arc<Message>>)>,
    troubles: Vec<Arc<Trouble>>,
}

/// Waits for what is under way, when it is dropped.
#[derive(Debug)]
pub struct Guard {
    done: Receiver<()>,
    patience: Duration,
}

/// What went wrong with a rule: said once, counted ever after.
struct Trouble {
    name: String,
    said: AtomicBool,
    count: AtomicU64,
    say: Say,
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Teller {
    /// Starts the thread for these rules; none where there is no rule. `patience` is how long the guard waits in the end.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it is kept by each rule")]
    pub fn start(rules: Vec<Rule>, patience: Duration, censor: Censor, say: Say) -> Option<(Self, Guard)> {
        if rules.is_empty() {
            return None;
        }
        let (mut kept, mut tasks, mut troubles) = (Vec::new(), Vec::new(), Vec::new());
        for rule in rules {
            let (send, messages) = channel::<Arc<Message>>(QUEUE);
            let trouble = Arc::new(Trouble {
                name: rule.name(),
                said: AtomicBool::new(false),
                count: AtomicU64::new(0),
                say: Arc::clone(&say),
            });
            tasks.push((rule.clone(), messages, Arc::clone(&trouble)));
            troubles.push(trouble);
            kept.push((rule, send));
        }
        let (finished, done) = sync_channel::<()>(1);
        let worker = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else {
                tracing::warn!("nobody is told: no runtime can be had");
                return;
            };
            let all = tasks.into_iter().map(|(rule, mut messages, trouble)| {
                let censor = Arc::clone(&censor);
                async move {
                    while let Some(message) = messages.recv().await {
                        if let Err(why) = one(&rule, &message, &censor).await {
                            trouble.tell(&why);
                        }
                    }
                }
            });
            runtime.block_on(futures_util::future::join_all(all));
            runtime.shutdown_background();
            // Who waited may have gone.
            let _ = finished.try_send(());
        };
        if let Err(error) = thread::Builder::new().name("notify".into()).spawn(worker) {
            tracing::warn!(%error, "nobody is told: no thread can be had");
            return None;
        }
        Some((Self { rules: kept, troubles }, Guard { done, patience }))
    }

    /// Hands a message to the rules that want it. Never waits.
    pub fn tell(&self, message: Message) {
        let message = Arc::new(message);
        for ((rule, send), trouble) in self.rules.iter().zip(&self.troubles) {
            if rule.wants(message.event) && send.try_send(Arc::clone(&message)).is_err() {
                trouble.tell("it does not take messages as fast as they come, so some are left out");
            }
        }
    }
}

/// Delivers one message by one rule.
async fn one(rule: &Rule, message: &Message, censor: &Censor) -> Result<(), String> {
    let text = serde_json::to_string(message).map_err(|error| error.to_string())?;
    let text = censor(&text)?;
    deliver::deliver(rule, text).await
}

impl Trouble {
    fn tell(&self, why: &str) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        // A flood of failures must not flood the log: the 1st, 2nd, 4th, 8th … stands in it.
        if count.is_power_of_two() {
            tracing::warn!(rule = self.name, count, why, "others could not be told");
        }
        if !self.said.swap(true, Ordering::Relaxed) {
            (self.say)(format!(
                "telling others by {} failed: {why}; the run goes on, and the log has what follows",
                self.name
            ));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Done, or out of patience; either way nothing more is waited for.
        let _ = self.done.recv_timeout(self.patience);
    }
}
