//! The agents of the burst, and what became of their answers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use qiao::kit::random::Random;
use qiao_sim::c4c::{Answer, TicketView};
use qiao_sim::wechat::Via;

use super::way::{TO_CUSTOMER, Way};
use super::{House, LOOK, Undone};

/// An agent's answer.
pub struct Answered {
    pub openid: String,
    pub text: String,
}

impl House {
    /// Agents answer each ticket once or twice, as soon as they see it.
    pub async fn answer(self: Arc<Self>) -> Vec<Answered> {
        let random = Random::from_seed(self.seed);
        let mut wanted: HashMap<String, u64> = HashMap::new();
        let mut given = Vec::new();
        let mut look = tokio::time::interval(LOOK);
        let is_over = |wanted: &HashMap<String, u64>| {
            wanted.len() as u64 >= self.followers && wanted.values().all(|many| *many == 0)
        };
        while !is_over(&wanted) {
            look.tick().await;
            let tickets: Vec<TicketView> = self.site.c4c.look(|c4c| c4c.tickets().collect());
            for ticket in tickets {
                let many = wanted
                    .entry(ticket.id.clone())
                    .or_insert_with(|| 1 + random.word() % 2);
                // A second answer has to be thought of first.
                if *many > 0 && random.word().is_multiple_of(4) {
                    given.push(self.answer_one(&ticket, *many));
                    *many -= 1;
                }
            }
        }
        given
    }

    fn answer_one(&self, ticket: &TicketView, number: u64) -> Answered {
        let text = format!("回复 {number}，工单 {}", ticket.id);
        let openid = self.site.c4c.with(|c4c, now, _| {
            let written = match self.way {
                Way::Social => c4c.answer(&ticket.id, &Answer::new(&text, "Li Wei"), now),
                Way::Ticket => c4c.note(&ticket.id, TO_CUSTOMER, &text, now),
            };
            written.expect("a ticket");
            let mut customers = c4c.customers();
            let buyer = customers
                .find(|customer| customer.customer_id() == ticket.buyer.trim_start_matches('0'));
            buyer.unwrap().wechat_id().to_owned()
        });
        Answered { openid, text }
    }

    /// What followers saw of all that was sent to them: the text, and who saw it.
    pub fn seen(&self) -> HashMap<String, Vec<String>> {
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        self.site.wechat.look(|wechat| {
            for (openid, _) in wechat.people() {
                for one in wechat.seen(openid) {
                    assert_ne!(one.via, Via::FaultBanner);
                    let who = seen.entry(one.text.clone()).or_default();
                    who.push(openid.to_owned());
                }
            }
        });
        seen
    }
}

/// Each answer was seen once by the one whom it is for, or waits visibly; nobody saw anything twice.
pub fn check_answers(
    seen: &HashMap<String, Vec<String>>,
    answered: &[Answered],
    undone: &[Undone],
) {
    for Answered { openid, text } in answered {
        let held = undone.iter().filter(|row| row.text.as_ref() == Some(text));
        let held: Vec<_> = held.map(|row| row.openid.as_ref()).collect();
        assert!(
            held.is_empty() || held == [Some(openid)],
            "{text}: {held:?}"
        );
        match seen.get(text).map(Vec::as_slice) {
            None => assert_eq!(held.len(), 1, "`{text}` is lost"),
            Some(who) => assert_eq!(who, [openid.as_str()], "{text}"),
        }
    }
    for (text, who) in seen {
        let different: HashSet<&String> = who.iter().collect();
        assert_eq!(different.len(), who.len(), "`{text}` was seen twice");
    }
}
