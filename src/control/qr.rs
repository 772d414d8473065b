//! `qr create`.

use serde_json::{Value, json};

use super::{Controls, Refused};
use crate::c4c::pace::Pace;
use crate::config::{Account, IntoC4c};
use crate::domain::ids::{AccountId, CustomerId, ObjectId, TenantId};
use crate::domain::placeholder::names;
use crate::domain::qr::{MOST_PERMANENT, Purpose, Wish};
use crate::domain::rows::{Changes, NewQrCode, QrChange};
use crate::flows::qr::Create;
use crate::store::{Act, QrCode};

impl Controls {
    /// Orders the code. All that can be known to be wrong is told before WeChat is asked; a customer is looked
    /// for in C4C, so that whoever mistyped a number hears of it.
    pub(super) async fn create_qr(
        &self,
        account: AccountId,
        wish: Wish,
        nonce: [u8; 16],
        act: Act,
    ) -> Result<Value, Refused> {
        let live = self.context.live();
        let Some((settings, _)) = live.account(&account) else {
            return Err(Refused(format!(
                "there is no account `{account}` in the configuration"
            )));
        };
        let scene = wish.scene(nonce).map_err(|no| Refused(no.to_string()))?;
        if wish.purpose == Purpose::Agent && !assigns(settings) {
            return Err(Refused(
                "no ticket goes to an agent in this account: set into_c4c and agent_field under \
                 [wechat.*.conversation]"
                    .to_owned(),
            ));
        }
        let known = self.context.store.qr_code(&account, &scene.text()).await?;
        if let Some(known) = &known {
            self.fits(&wish, known)?;
        } else if wish.lifetime.is_none() {
            self.has_room(&account).await?;
        }
        let customer = match wish.purpose {
            Purpose::Bind => Some(self.customer(&settings.tenant, &wish.target).await?),
            Purpose::Campaign | Purpose::Agent => None,
        };
        let number = customer.as_ref().map(|(_, _, number)| number.as_str());
        let code = NewQrCode {
            account: account.clone(),
            purpose: wish.purpose,
            target: number.unwrap_or(&wish.target).to_owned(),
            single_use: wish.purpose == Purpose::Bind && !wish.reusable,
            lifetime: wish.lifetime,
            customer,
            scene: scene.clone(),
        };
        let create = Create {
            account,
            scene: scene.text(),
        };
        let changes = Changes {
            qr_codes: vec![QrChange::Wanted(Box::new(code))],
            effects: vec![create.effect()],
            ..Changes::none()
        };
        let act = Act {
            before: known.map(|known| known.state),
            after: Some("ordered".to_owned()),
            ..act
        };
        let effect = self.context.store.on_behalf(act).order(changes).await?;
        Ok(json!({ "effect": effect.to_string() }))
    }

    /// A scene stands for one thing for ever: what was printed with it is still out there.
    fn fits(&self, wish: &Wish, known: &QrCode) -> Result<(), Refused> {
        let scene = known.scene.text();
        if (known.purpose, &known.target) != (wish.purpose, &wish.target) {
            return Err(Refused(format!(
                "the scene {scene} is taken by a code for {} {}; name another with --scene",
                known.purpose.as_str(),
                known.target
            )));
        }
        let other = known.lifetime.is_none() != wish.lifetime.is_none();
        if other && known.is_good(self.context.clock.now()) {
            return Err(Refused(format!(
                "there is a code with the scene {scene} that can be scanned, and it is not of this kind; name \
                 another scene with --scene"
            )));
        }
        Ok(())
    }

    async fn has_room(&self, account: &AccountId) -> Result<(), Refused> {
        if self.context.store.permanent_qr_codes(account).await? < MOST_PERMANENT {
            return Ok(());
        }
        Err(Refused(format!(
            "the account has {MOST_PERMANENT} permanent codes, and WeChat allows no more; make a temporary one"
        )))
    }

    async fn customer(
        &self,
        tenant: &TenantId,
        named: &str,
    ) -> Result<(TenantId, ObjectId, CustomerId), Refused> {
        let live = self.context.live();
        let Some((_, client)) = live.tenant(tenant) else {
            return Err(Refused(
                "the account's tenant is not in the configuration".to_owned(),
            ));
        };
        let object = ObjectId::parse(named);
        let number = object.is_none().then(|| CustomerId::new(named));
        let read = client.named(Pace::Live, object.as_ref(), number.as_ref());
        let read = read.await.map_err(|fault| {
            Refused(format!(
                "C4C could not be asked for the customer: {fault}; try again later"
            ))
        })?;
        let found = read.filter(|customer| !customer.obsolete);
        found
            .map(|customer| (tenant.clone(), customer.object_id, customer.customer_id))
            .ok_or_else(|| {
                Refused("C4C has no such customer, or they are obsolete there".to_owned())
            })
    }
}

/// Whether tickets of this account can go to an agent.
fn assigns(account: &Account) -> bool {
    let rules = &account.conversation;
    match &rules.into_c4c {
        IntoC4c::Off => false,
        IntoC4c::Social(_) => rules.agent_field.is_some(),
        IntoC4c::Ticket(fields) => {
            let speaks = |template: &String| names(template).any(|name| name == "agent");
            rules.agent_field.is_some() || fields.values().any(speaks)
        }
    }
}
