//! Where the writer stands still, so that a story decides what one batch carries and what a
//! crash would find.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use qiao::kit::transport::BoxFuture;
use qiao::store::{Batch, CommitWatch, Moment, Store};
use tokio::sync::watch;

use super::Way;
use crate::world::PATIENCE;

/// Makes the writer stand still at one moment of its next commit, until it is let on.
#[derive(Debug, Default)]
pub struct Stand {
    /// Where to stand, and how often that was said: each order holds until the next.
    order: watch::Sender<(u32, Option<Moment>)>,
    /// By which order it stands, and with what.
    standing: watch::Sender<(u32, Batch)>,
}

impl CommitWatch for Stand {
    fn at(&self, moment: Moment, batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut order = self.order.subscribe();
            let (given, place) = *order.borrow_and_update();
            if place != Some(moment) {
                return;
            }
            self.standing.send_replace((given, batch));
            // The sender lives as long as `self`, so waiting cannot fail.
            let _ = order.wait_for(|(later, _)| *later != given).await;
        })
    }
}

impl Stand {
    /// A store whose writer obeys this stand.
    pub async fn opened(way: &Way) -> (Arc<Self>, Store) {
        let stand = Arc::new(Self::default());
        let store = way.try_open(Some(stand.clone())).await.unwrap();
        (stand, store)
    }

    /// Lets the writer on from where it stands, and has it stand at the next such `moment`.
    pub fn at_next(&self, moment: Moment) {
        self.order
            .send_modify(|(count, place)| (*count, *place) = (*count + 1, Some(moment)));
    }

    /// Lets the writer on for good.
    pub fn let_on(&self) {
        self.order
            .send_modify(|(count, place)| (*count, *place) = (*count + 1, None));
    }

    /// Waits until the writer stands, and tells with what.
    pub async fn reached(&self) -> Batch {
        let present = self.order.borrow().0;
        let mut standing = self.standing.subscribe();
        let reached = standing.wait_for(|(by, _)| *by == present);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the writer gets there").unwrap().1
    }

    /// Has the writer stand before an empty commit. What is asked of the store from now on waits,
    /// and is the next batch.
    pub async fn gathering(&self, store: &Store) {
        self.at_next(Moment::Begun);
        let store = store.clone();
        tokio::spawn(async move { store.write(super::rows::nothing()).await });
        self.reached().await;
    }

    /// Lets the gathered batch on to `moment` and tells what it carries.
    pub async fn batch_at(&self, moment: Moment) -> Batch {
        self.at_next(Moment::Begun);
        let batch = self.reached().await;
        if moment == Moment::Begun {
            return batch;
        }
        self.at_next(moment);
        self.reached().await
    }
}

/// A request that has been handed to the writer.
pub type Asked<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Hands a request to the writer; its answer comes later.
pub async fn asked<T>(request: impl Future<Output = T> + Send + 'static) -> Asked<T> {
    let answered = "the writer stands, so nobody is answered";
    handed(request).await.err().expect(answered)
}

/// Hands a request to the writer, which stands: whoever is answered now was refused.
pub async fn handed<T>(request: impl Future<Output = T> + Send + 'static) -> Result<T, Asked<T>> {
    let mut request: Asked<T> = Box::pin(request);
    let first = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
    match first {
        Poll::Ready(refused) => Ok(refused),
        Poll::Pending => Err(request),
    }
}
