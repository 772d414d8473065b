//! A team's answer hook: answers at once, or when the story lets it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::sync::watch;

use crate::world::port;

/// Dropping it closes nothing: the server ends with the story's runtime.
pub struct Hook {
    pub url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    open: watch::Sender<bool>,
    asked: watch::Sender<Vec<Value>>,
}

impl Hook {
    /// A hook that answers every question with this text.
    pub async fn answering(text: &str) -> Self {
        let listener = port().await;
        let hook = Self {
            url: format!("http://{}/", listener.local_addr().unwrap()),
            answer: Arc::default(),
            open: watch::Sender::new(true),
            asked: watch::Sender::new(Vec::new()),
        };
        hook.answer_with(200, &serde_json::json!({ "text": text }).to_string());
        let (answer, open, asked) = (hook.answer.clone(), hook.open.clone(), hook.asked.clone());
        let router = Router::new().route(
            "/",
            post(move |Json(question): Json<Value>| {
                let (answer, mut open) = (answer.clone(), open.subscribe());
                asked.send_modify(|asked| asked.push(question));
                async move {
                    open.wait_for(|open| *open).await.unwrap();
                    answer.lock().unwrap().clone()
                }
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    /// What it answers from now on.
    pub fn answer_with(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    /// Questions stay unanswered until [`Hook::think_no_more`].
    pub fn think(&self) {
        self.open.send_replace(false);
    }

    pub fn think_no_more(&self) {
        self.open.send_replace(true);
    }

    /// Waits for its `n`th question.
    pub async fn asked(&self, n: usize) -> Value {
        let mut asked = self.asked.subscribe();
        let nth = asked.wait_for(|asked| asked.len() >= n);
        let asked = tokio::time::timeout(Duration::from_secs(30), nth).await;
        asked.expect("a question in time").unwrap()[n - 1].clone()
    }

    /// How many questions it was asked.
    pub fn questions(&self) -> usize {
        self.asked.borrow().len()
    }
}
