//! What goes wrong in the burst.

use qiao_sim::fault::{Fault, Faults, Kind, Rates};

use super::House;

/// The platforms' own words for trouble that passes: "system busy", and a record that is locked.
const WECHAT_BUSY: i64 = -1;
const C4C_LOCKED: i64 = 409;

/// 5 % fail, of 2 % the answer is lost. `busy` is the code of trouble that passes.
fn rates(busy: i64) -> Rates {
    let code = |after_effect| Kind::Code {
        code: busy,
        after_effect,
    };
    let broken = Kind::Status {
        status: 500,
        html: true,
        retry_after: None,
    };
    let closed = |after_effect| Kind::Drop { after_effect };
    Rates {
        fail: 0.05,
        failures: vec![closed(false), code(false), broken, Kind::HtmlBody],
        lose_after_effect: 0.02,
        losses: vec![closed(true), Kind::Truncated],
    }
}

/// What must have happened on each platform, or the story told nothing.
pub const KINDS: [&str; 6] = [
    "drop",
    "code",
    "status",
    "html_body",
    "drop_after_effect",
    "truncated",
];

impl House {
    pub fn faults<R>(&self, mut act: impl FnMut(&mut Faults) -> R) -> [R; 2] {
        let wechat = self
            .site
            .wechat
            .with(|wechat, _, _| act(&mut wechat.faults));
        let c4c = self.site.c4c.with(|c4c, _, _| act(c4c.faults()));
        [wechat, c4c]
    }

    pub fn fail_at_rates(&self) {
        let seed = self.seed;
        self.site
            .wechat
            .with(|wechat, _, _| wechat.faults.at_rates(seed, rates(WECHAT_BUSY)));
        self.site
            .c4c
            .with(|c4c, _, _| c4c.faults().at_rates(seed, rates(C4C_LOCKED)));
    }

    /// Each kind of fault befalls whatever is called when one of the followers comes, so that none
    /// is left out of a small story.
    pub fn fail_once(&self, index: u64) {
        let kinds = |busy| {
            let Rates {
                failures, losses, ..
            } = rates(busy);
            let kinds = (0..).zip(failures.into_iter().chain(losses));
            let ours = kinds.filter(|(number, _)| number % self.followers == index);
            ours.map(|(_, kind)| once(kind)).collect::<Vec<_>>()
        };
        self.site.wechat.with(|wechat, _, _| {
            let kinds = kinds(WECHAT_BUSY).into_iter();
            kinds.for_each(|fault| wechat.faults.add(fault));
        });
        self.site.c4c.with(|c4c, _, _| {
            let kinds = kinds(C4C_LOCKED).into_iter();
            kinds.for_each(|fault| c4c.faults().add(fault));
        });
    }
}

/// Befalls one call, whichever comes next.
fn once(kind: Kind) -> Fault {
    Fault {
        on: String::new(),
        kind,
        times: 1,
    }
}

/// One 503 of each platform.
pub fn outage() -> Fault {
    once(Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    })
}
