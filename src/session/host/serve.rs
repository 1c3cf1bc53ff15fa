//! The thread that serves the clients of a host: greets them, reads what they say, writes what waits for them.
//!
//! It has a runtime of its own, so that neither a flood of output nor a client can make the other wait. What must stay
//! true: only the user's own processes are let in; whatever a connection brings ends at most that connection; and nothing
//! here wakes up by itself once a client has said who it is.

use std::io;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, getuid};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener as Listener, UnixStream};
use tokio::sync::{Semaphore, oneshot};

use super::super::wire::{Answered, Broken, Frames, Hello, PROTOCOL, Role, TO_HOST, Up, Version, frame, understand};
use super::outbox::{Next, Outbox};
use super::{Admitted, CLIENTS, Shared};

/// How long a client has to say who it is.
const GREETING: Duration = Duration::from_secs(5);

/// How long a client that was turned out has to take the word for it.
const TURNED_OUT: Duration = Duration::from_secs(15);

/// The most connections at a time: the clients, and as many that have not said yet who they are. Each takes a descriptor, and
/// the run's commands need some too.
const CONNECTIONS: usize = 2 * CLIENTS;

/// How long nobody is let in when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(200);

/// Begins to serve once `opened` is told. The thread lives as long as the process.
pub(super) fn start(listener: UnixListener, shared: Arc<Shared>, opened: oneshot::Receiver<()>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        Listener::from_std(listener)?
    };
    let serve = async move {
        if opened.await.is_ok() {
            accept(listener, shared).await;
        }
    };
    thread::Builder::new().name("clients".into()).spawn(move || runtime.block_on(serve))?;
    Ok(())
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    // It is never closed, so there is room as soon as somebody goes. Whoever says nothing goes soon.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _place = place;
                    if let Err(why) = serve(stream, &shared).await {
                        // Nothing of what it said: there may be a secret in it.
                        tracing::warn!(%why, "a connection was given up");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "nobody can connect");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
}

/// Serves one client to its end.
async fn serve(stream: UnixStream, shared: &Shared) -> Result<(), Broken> {
    let peer = stream.peer_cred().map_err(Broken::Connection)?;
    if peer.uid() != getuid().as_raw() {
        return Err(Broken::Frame(format!("it came from user {}", peer.uid())));
    }
    let (read, mut write) = stream.into_split();
    let mut frames = Frames::new(read, TO_HOST);
    let greeted = tokio::time::timeout(GREETING, greet(&mut frames)).await;
    let greeted = greeted.unwrap_or_else(|_| Err(Broken::Frame("it did not say who it is".to_owned())));
    let hello = match greeted {
        Ok(Some(hello)) => hello,
        // It only looked whether somebody listens.
        Ok(None) => return Ok(()),
        Err(why) => {
            answer(&mut write, &Answered::Sorry(why.to_string())).await?;
            return Err(why);
        }
    };
    if hello.role == Role::Look {
        return answer(&mut write, &Answered::Welcome(shared.look())).await;
    }
    let pid = peer.pid().and_then(Pid::from_raw);
    let Admitted { id, outbox, welcome } = match shared.admit(&hello, pid) {
        Ok(admitted) => admitted,
        Err(why) => return answer(&mut write, &Answered::Sorry(why)).await,
    };
    let hear = |up, bytes| shared.hear(id, up, bytes);
    let served = converse(&mut frames, &mut write, &outbox, &Answered::Welcome(welcome), hear).await;
    let why = match &served {
        _ if outbox.is_too_slow() => "the screen did not keep up",
        Ok(()) => "the screen is gone",
        Err(_) => "the screen said something that is not understood, or is gone",
    };
    shared.bye(id, why);
    served
}

/// Reads the greeting.
async fn greet(frames: &mut Frames<OwnedReadHalf>) -> Result<Option<Hello>, Broken> {
    let Some(first) = frames.next().await? else { return Ok(None) };
    let Version { protocol } = understand(&first)?;
    if protocol != PROTOCOL {
        return Err(Broken::Frame(format!(
            "this run's host speaks version {PROTOCOL} of the protocol (runsheet {}), not {protocol}; use that runsheet",
            env!("CARGO_PKG_VERSION")
        )));
    }
    understand(&first).map(Some)
}

/// Hears the client and tells it what waits for it, until either is over. `hear` says whether there may be more.
async fn converse(
    frames: &mut Frames<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    outbox: &Outbox,
    welcome: &Answered,
    hear: impl Fn(Up, usize) -> bool,
) -> Result<(), Broken> {
    let listens = async {
        while let Some(said) = frames.next().await? {
            if !hear(understand(&said)?, said.len()) {
                // It is told why, where it listens at all.
                tokio::time::sleep(TURNED_OUT).await;
                break;
            }
        }
        Ok(())
    };
    let tells = async {
        answer(write, welcome).await?;
        while let Next::Frame(frame) = outbox.next().await {
            write.write_all(&frame).await.map_err(Broken::Connection)?;
        }
        Ok(())
    };
    let slow = async {
        outbox.overrun().await;
        Ok(())
    };
    tokio::select! {
        // What waits goes out first: a farewell is heard even by who has closed its side.
        biased;
        told = tells => told,
        heard = listens => heard,
        late = slow => late,
    }
}

async fn answer(write: &mut OwnedWriteHalf, answered: &Answered) -> Result<(), Broken> {
    let frame = frame(answered).map_err(Broken::Frame)?;
    write.write_all(&frame).await.map_err(Broken::Connection)
}
