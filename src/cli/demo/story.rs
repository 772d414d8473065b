//! The story, step by step; the conversation is in `conversation`. Each step acts at a simulator and is verified there: what the
//! follower has seen, what C4C holds, how often anybody was called.

use anyhow::anyhow;
use qiao_sim::c4c::C4c;
use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::{Reply, Via, WeChat};

use super::conversation;
use super::hook::ANSWER;
use super::scene::{Scene, Unmet};
use super::settings::{REVIEW, WELCOME};
use super::stage::Stage;
use super::tell::{Evidence, Step, Teller};
use crate::kit::clock::{Clock as _, SystemClock};

/// Where messages to followers go.
const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";

/// Where customers are made.
const CUSTOMERS: &str = "IndividualCustomerCollection";

/// Who took part, for those who want to go on playing.
pub(super) struct Cast {
    /// The first follower.
    pub(super) openid: String,
    /// Their customer's ObjectID.
    pub(super) object_id: String,
    /// The number of the ticket of their conversation.
    pub(super) ticket: String,
}

/// Plays all steps; ends at the first that does not hold.
pub(super) async fn play(stage: &mut Stage, teller: &Teller) -> anyhow::Result<Cast> {
    let mut play = Play { stage, teller };
    play.step("connect", "WeChat verifies Qiao's URL", connect)
        .await?;
    let (openid, object_id) = play
        .step("follow", "somebody follows and becomes a customer", follow)
        .await?;
    play.step(
        "message",
        "they say something, and it is in their history",
        async |scene: &mut Scene<'_>| message(scene, &openid).await,
    )
    .await?;
    play.step(
        "change",
        "an agent changes the customer, and the follower is told what",
        async |scene: &mut Scene<'_>| change(scene, &openid, &object_id).await,
    )
    .await?;
    let question = play
        .step(
            "question",
            "they ask, and the company's answer hook answers",
            async |scene: &mut Scene<'_>| question(scene, &openid).await,
        )
        .await?;
    play.step(
        "duplicate",
        "WeChat delivers the question again: one effect only",
        async |scene: &mut Scene<'_>| duplicate(scene, &openid, question).await,
    )
    .await?;
    let ticket = play.conversation(&openid).await?;
    play.step(
        "kill",
        "kill -9 while C4C makes a customer, and a restart",
        kill,
    )
    .await?;
    Ok(Cast {
        openid,
        object_id,
        ticket,
    })
}

struct Play<'a> {
    stage: &'a mut Stage,
    teller: &'a Teller,
}

impl Play<'_> {
    /// What is said goes into C4C and an answer comes back. Gives the ticket's number.
    async fn conversation(&mut self, openid: &str) -> anyhow::Result<String> {
        let ticket = self
            .step(
                "ask",
                "they ask something that a person must answer, and it is in C4C",
                async |scene: &mut Scene<'_>| conversation::ask(scene, openid).await,
            )
            .await?;
        self.step(
            "picture",
            "they send a picture, and it is in C4C byte for byte",
            async |scene: &mut Scene<'_>| conversation::picture(scene, openid).await,
        )
        .await?;
        self.step(
            "answer",
            "an agent answers the ticket in C4C, and the follower reads it",
            async |scene: &mut Scene<'_>| conversation::answer(scene, openid, &ticket).await,
        )
        .await?;
        self.step(
            "history",
            "the database tells what was said, both ways",
            async |scene: &mut Scene<'_>| conversation::history(scene, openid).await,
        )
        .await?;
        Ok(ticket)
    }

    /// Plays one step and tells it.
    async fn step<T>(
        &mut self,
        name: &'static str,
        title: &'static str,
        act: impl AsyncFnOnce(&mut Scene<'_>) -> Result<T, Unmet>,
    ) -> anyhow::Result<T> {
        let began_at = SystemClock.now();
        let mut scene = Scene::begin(self.stage);
        let outcome = act(&mut scene).await;
        let (millis, facts) = scene.end();
        let rows = self.stage.rows_since(began_at).await?;
        let step = Step {
            name,
            title,
            held: outcome.is_ok(),
            unmet: outcome.as_ref().err(),
            millis,
            evidence: Evidence { facts, rows },
        };
        self.teller.tell(&step)?;
        outcome.map_err(|unmet| anyhow!("the step `{name}` did not hold: {unmet}"))
    }
}

async fn connect(scene: &mut Scene<'_>) -> Result<(), Unmet> {
    let push = scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.verify_url(now, rng));
    answered(scene, push, &Reply::Verified).await?;
    scene.note("WeChat", "the echostr came back, rightly signed and opened");
    Ok(())
}

async fn follow(scene: &mut Scene<'_>) -> Result<(String, String), Unmet> {
    let openid = someone_follows(scene);
    scene.sees(&openid, Via::Reply, WELCOME).await?;
    let customer = scene.customer(&openid).await?;
    scene
        .sees(&openid, Via::Custom, customer.customer_id())
        .await?;
    scene.settles(&openid, 2).await?;
    calls_were_made(scene, 1, 1)?;
    Ok((openid, customer.object_id))
}

async fn message(scene: &mut Scene<'_>, openid: &str) -> Result<(), Unmet> {
    let words = "你好，我想报名冬季班";
    let push = scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.say(openid, words, now, rng));
    answered(scene, push, &Reply::Success).await?;
    scene.note("WeChat", format!("“{words}” was acknowledged"));
    scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.click(openid, REVIEW, now, rng));
    scene.sees(openid, Via::Reply, words).await?;
    scene.settles(openid, 3).await
}

async fn change(scene: &mut Scene<'_>, openid: &str, object_id: &str) -> Result<(), Unmet> {
    let told_before = notified(scene.stage);
    let fields = [("Mobile", "+86 139 0000 0000")];
    let changed = scene
        .stage
        .c4c
        .with(|c4c, now, _| c4c.change(object_id, &fields, now));
    scene.must("C4C", "an agent saved another Mobile", changed, |_| {
        "nothing changed".to_owned()
    })?;
    scene.sees(openid, Via::Custom, "Mobile").await?;
    scene.settles(openid, 4).await?;
    let told = notified(scene.stage) - told_before;
    scene.must(
        "C4C",
        "its one notification was accepted",
        told == 1,
        |_| format!("{told} were accepted"),
    )
}

async fn question(scene: &mut Scene<'_>, openid: &str) -> Result<u64, Unmet> {
    let words = "我的订单到哪里了？";
    let push = scene
        .stage
        .wechat
        .with(|wechat, now, rng| wechat.say(openid, words, now, rng));
    scene.note("WeChat", format!("the follower asked: {words}"));
    scene.sees(openid, Via::Reply, ANSWER).await?;
    scene.settles(openid, 5).await?;
    hook_was_asked_once(scene)?;
    Ok(push)
}

async fn duplicate(scene: &mut Scene<'_>, openid: &str, question: u64) -> Result<(), Unmet> {
    let sent_before = sends(scene.stage);
    scene
        .stage
        .wechat
        .with(|wechat, now, _| wechat.repeat_push(question, now));
    let answer = Reply::Message {
        kind: "text".to_owned(),
        text: ANSWER.to_owned(),
    };
    let twice = |wechat: &WeChat| wechat.push(question)?.attempts.get(1)?.reply.clone();
    let second = scene
        .at_wechat("the second delivery is answered", twice, |_| {
            "no answer came".to_owned()
        })
        .await?;
    scene.must(
        "WeChat",
        "the second delivery got the stored answer",
        second == answer,
        |_| format!("it got {second:?}"),
    )?;
    scene.settles(openid, 5).await?;
    hook_was_asked_once(scene)?;
    let sent = sends(scene.stage) - sent_before;
    scene.must("WeChat", "nothing was sent", sent == 0, |_| {
        format!("{sent} messages were sent")
    })
}

/// C4C makes the customer and its answer never comes; then the daemon is killed. Nobody but C4C
/// knows whether there is a customer, so the restarted daemon must look before it creates.
///
/// A message to the follower would be no such proof: WeChat cannot be asked what it delivered, so
/// one that was cut off is held for a person (`uncertain_send = "hold"`).
async fn kill(scene: &mut Scene<'_>) -> Result<(), Unmet> {
    scene.stage.c4c.with(|c4c, _, _| {
        c4c.faults().add(Fault {
            on: format!("POST /sap/c4c/odata/v1/c4codataapi/{CUSTOMERS}"),
            kind: Kind::Hang { after_effect: true },
            times: 1,
        });
    });
    let openid = someone_follows(scene);
    scene.sees(&openid, Via::Reply, WELCOME).await?;
    let made = scene.customer(&openid).await?;
    let status = scene.stage.daemon.kill().await;
    let status = status.map_err(|fault| Unmet::because("the daemon can be killed", &fault))?;
    scene.note(
        "Qiao",
        format!("killed while C4C owed it an answer: {status}"),
    );
    let running = scene.stage.running().await;
    let running = running.map_err(|fault| Unmet::because("the outbox can be read", &fault))?;
    scene.must(
        "Qiao",
        "its outbox still says that customer.ensure is running",
        running.iter().any(|effect| effect == "customer.ensure"),
        |_| format!("{running:?} are running"),
    )?;
    let restarted = scene.stage.restart().await;
    restarted.map_err(|fault| Unmet::because("the daemon starts again", &fault))?;
    scene.note("Qiao", "started again on the same database, and ready");
    scene.sees(&openid, Via::Custom, made.customer_id()).await?;
    scene.settles(&openid, 2).await?;
    scene.customer(&openid).await?;
    // Both followers of the story; the first was also told of the change, and answered by an agent.
    calls_were_made(scene, 2, 4)
}

fn someone_follows(scene: &mut Scene<'_>) -> String {
    scene.stage.wechat.with(|wechat, now, rng| {
        let openid = wechat.new_follower(rng);
        wechat.follow(&openid, None, now, rng);
        openid
    })
}

/// Waits for the answer to a push.
async fn answered(scene: &Scene<'_>, push: u64, expected: &Reply) -> Result<(), Unmet> {
    let sentence = format!("the push is answered with {expected:?}");
    let right = |wechat: &WeChat| (wechat.push(push)?.outcome()? == expected).then_some(());
    let seen = |wechat: &WeChat| format!("{:?}", wechat.push(push).map(|push| &push.attempts));
    scene.at_wechat(&sentence, right, seen).await
}

/// Compares the calls since the story began.
fn calls_were_made(scene: &mut Scene<'_>, create_calls: u64, send_calls: u64) -> Result<(), Unmet> {
    let created = scene
        .stage
        .c4c
        .look(|c4c| c4c.calls().total("POST", CUSTOMERS));
    let expected = format!("calls that create a customer since the start: {create_calls}");
    scene.must("C4C", &expected, created == create_calls, |_| {
        format!("{created} calls")
    })?;
    let sent = self::sends(scene.stage);
    let expected = format!("calls that send a custom message since the start: {send_calls}");
    scene.must("WeChat", &expected, sent == send_calls, |_| {
        format!("{sent} calls")
    })
}

fn hook_was_asked_once(scene: &mut Scene<'_>) -> Result<(), Unmet> {
    let asked = scene.stage.hook.asked();
    scene.must("hook", "it was asked once", asked == 1, |_| {
        format!("it was asked {asked} times")
    })
}

fn sends(stage: &Stage) -> u64 {
    stage.wechat.look(|wechat| wechat.calls(CUSTOM_SEND))
}

fn notified(stage: &Stage) -> u64 {
    stage
        .c4c
        .with(|c4c: &mut C4c, _, _| c4c.notifications().tally().accepted)
}
