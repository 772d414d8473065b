//! What breaks on both platforms and on our machine, and how it is mended.

use jiff::SignedDuration;
use qiao_sim::fault::{self, Kind, UNTIL_CLEARED};
use rand::RngExt;

use super::faults::Fault;
use super::network::Far;
use super::world::World;

impl World {
    /// The next call of a far side meets an error.
    pub fn refuse_next(&mut self, far: Far) {
        let html = self.rng.random();
        let after_effect = self.rng.random();
        let drawn = self.rng.random_range(0..5);
        let kind = match (far, drawn) {
            (_, 0) => Kind::Status {
                status: 500,
                html,
                retry_after: None,
            },
            (_, 1) => Kind::Status {
                status: 429,
                html,
                retry_after: Some(20),
            },
            (_, 2) => Kind::HtmlBody,
            (Far::Wechat(_), 3) => Kind::Code {
                code: -1,
                after_effect,
            },
            (Far::Wechat(_), _) => Kind::Code {
                code: 40001,
                after_effect: false,
            },
            (_, 3) => Kind::Code {
                code: 409,
                after_effect: false,
            },
            (_, _) => Kind::Drop { after_effect },
        };
        self.arm(far, "", kind, 1);
    }

    fn arm(&mut self, far: Far, on: &str, kind: Kind, times: u32) {
        let fault = fault::Fault {
            on: on.to_owned(),
            kind,
            times,
        };
        match far {
            Far::Wechat(at) => self.wechat[at].faults.add(fault),
            Far::C4c => self.c4c.faults().add(fault),
            Far::Hook => {}
        }
    }

    /// Something breaks or is mended.
    pub fn trouble(&mut self) {
        let far = [Far::Wechat(0), Far::Wechat(1), Far::C4c][self.rng.random_range(0..3)];
        match self.rng.random_range(0..11) {
            0..3 => self.mend(),
            3 if self.climate.knows(Fault::Outage) => {
                self.met(Fault::Outage);
                self.tell(&format!("{far:?} is out of order"));
                let kind = Kind::Status {
                    status: 503,
                    html: true,
                    retry_after: None,
                };
                self.arm(far, "", kind, UNTIL_CLEARED);
            }
            4 if self.climate.knows(Fault::TokenRevoked) => {
                if let Far::Wechat(at) = far {
                    self.met(Fault::TokenRevoked);
                    self.tell(&format!("{far:?} ends its tokens"));
                    let now = self.now();
                    self.wechat[at].revoke_tokens(now);
                }
            }
            5 if self.climate.knows(Fault::Quota) => self.use_up(far),
            6 if self.climate.knows(Fault::Maintenance) => {
                self.met(Fault::Maintenance);
                self.tell("the tenant is in maintenance");
                self.arm(Far::C4c, "", Kind::HtmlBody, UNTIL_CLEARED);
            }
            7 if self.climate.knows(Fault::LockedOut) => {
                self.met(Fault::LockedOut);
                self.tell("our user's password is another");
                self.c4c.users().set_password("qiao", "other");
                self.c4c.users().set_password("agent", "other");
            }
            8 if self.climate.knows(Fault::SessionEnded) => {
                self.met(Fault::SessionEnded);
                self.c4c.expire_sessions();
            }
            9 if self.climate.knows(Fault::WrongClock) => self.set_clock(),
            10 if self.climate.knows(Fault::NotAllowed) => {
                if let Far::Wechat(at) = far {
                    self.met(Fault::NotAllowed);
                    self.tell(&format!("{far:?} may not send any more"));
                    self.wechat[at].settings.may_send = false;
                }
            }
            _ => {}
        }
    }

    fn use_up(&mut self, far: Far) {
        let Far::Wechat(_) = far else { return };
        self.met(Fault::Quota);
        let codes = [45009, 45011, 45015, 45047];
        let code = codes[self.rng.random_range(0..codes.len())];
        self.tell(&format!("{far:?} refuses two sends with {code}"));
        let kind = Kind::Code {
            code,
            after_effect: false,
        };
        self.arm(far, "custom/send", kind, 2);
    }

    fn set_clock(&mut self) {
        self.met(Fault::WrongClock);
        let minutes = [-120, -11, -1, 0, 1, 30, 300];
        let minutes = minutes[self.rng.random_range(0..minutes.len())];
        self.tell(&format!("our clock is {minutes} minutes ahead"));
        self.time.set_wrong_by(SignedDuration::from_mins(minutes));
    }

    /// Everything that was broken works again, but for our clock.
    pub fn mend(&mut self) {
        self.tell("what was broken is mended");
        for wechat in &mut self.wechat {
            wechat.faults.clear(None);
            wechat.settings.may_send = true;
        }
        self.c4c.faults().clear(None);
        for user in ["qiao", "agent"] {
            self.c4c.users().set_password(user, "secret");
            self.c4c.users().set_locked(user, false);
        }
        self.parts.engine.probe_again();
    }
}
