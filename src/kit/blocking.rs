//! Work on files, done where it keeps nobody waiting.

use std::io;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does `work` on a thread where it may block, and finishes it even when nobody waits for it any
/// more. A runtime of one thread is one whose order must be known, as a simulation's: there it is
/// done at once.
pub async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(io::Error::other(stopped).into()))
}
