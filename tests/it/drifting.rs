//! The hands of `drift`: many followers of whom all is well, and every way in which a few drift.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use qiao::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId, UnionId};
use qiao::domain::rows::{Changes, Follower, MappingChange, MappingState, Snapshot};
use qiao::kit::clock::Clock as _;
use qiao_sim::shell::Server;
use qiao_sim::wechat::WeChat;

use crate::world::World;

/// Kinds and whom they are about.
pub type Seeded = BTreeSet<(String, String)>;

/// How many drift in each way.
const EACH: usize = 3;

/// Mappings written in one commit.
const CHUNK: usize = 500;

pub struct Drifting<'w> {
    world: &'w World,
    second: &'w Server<WeChat>,
    /// Followers of whom all is well, with their customers.
    well: Vec<(String, String)>,
    seeded: Seeded,
    /// Followers who share a customer with another one, by that one's ObjectID.
    intruders: BTreeMap<String, String>,
    /// Customers too many, by OpenID.
    surplus: BTreeMap<String, String>,
    /// Who a follower is in the second account.
    twins: BTreeMap<String, String>,
}

impl<'w> Drifting<'w> {
    pub fn new(world: &'w World, second: &'w Server<WeChat>) -> Self {
        // Nobody is told of what is done here.
        world
            .c4c
            .with(|c4c, _, _| c4c.notifications().settings.subscriptions.clear());
        Self {
            world,
            second,
            well: Vec::new(),
            seeded: Seeded::new(),
            intruders: BTreeMap::new(),
            surplus: BTreeMap::new(),
            twins: BTreeMap::new(),
        }
    }

    pub fn advance(&self, by: Duration) {
        self.world.advance(by);
        self.second.clock().advance(by);
    }

    /// So many followers who are linked as they should be.
    pub async fn seed(&mut self, followers: usize) {
        let mut left = followers;
        while left > 0 {
            let count = left.min(CHUNK);
            left -= count;
            let mut changes = Changes::none();
            for _ in 0..count {
                let openid = self.listed();
                let object = self.customer(&openid);
                changes.extend(self.linked("main", &openid, &object));
                self.well.push((openid, object));
            }
            self.world.store().write(changes).await.unwrap();
        }
        // So far back that the first look at what changed lately does not see their making.
        self.advance(Duration::from_hours(25));
    }

    /// Somebody who follows, of whom no push has told.
    fn listed(&self) -> String {
        let openid = self.world.somebody();
        self.world
            .wechat
            .with(|wechat, now, _| wechat.adopt(&openid, now));
        openid
    }

    /// A customer in C4C that carries this WeChat ID; its ObjectID.
    fn customer(&self, openid: &str) -> String {
        let fields = [
            ("FirstName", "Wechat"),
            ("LastName", "Weixin"),
            ("RoleCode", "CRM000"),
            ("WechatID", openid),
        ];
        self.world
            .c4c
            .with(|c4c, now, _| c4c.create_customer(&fields, now))
    }

    fn change(&self, object: &str, fields: &[(&str, &str)]) {
        self.world
            .c4c
            .with(|c4c, now, _| assert!(c4c.change(object, fields, now)));
    }

    /// A mapping to a customer, with its baseline.
    fn linked(&self, account: &str, openid: &str, object: &str) -> Changes {
        let number = self.world.c4c.look(|c4c| {
            let customer = c4c.customer(object).expect("it was just made");
            customer.customer_id().to_owned()
        });
        let object = ObjectId::new(object);
        let pairs = [
            ("FirstName", "Wechat"),
            ("LastName", "Weixin"),
            ("Email", ""),
            ("Mobile", ""),
        ];
        let fields = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Changes {
            mappings: vec![MappingChange {
                customer: Some((object.clone(), CustomerId::new(number))),
                followed_at: Some(self.world.clock.now()),
                ..mapping(account, openid, MappingState::Linked)
            }],
            snapshots: vec![Snapshot {
                tenant: TenantId::new("main"),
                object_id: object,
                fields: fields.into(),
                etag: None,
                changed_at: None,
            }],
            ..Changes::none()
        }
    }

    async fn write(&self, change: MappingChange) {
        let changes = Changes {
            mappings: vec![change],
            ..Changes::none()
        };
        self.world.store().write(changes).await.unwrap();
    }

    fn seeded(&mut self, kind: &str, about: impl Into<String>) {
        self.seeded.insert((kind.to_owned(), about.into()));
    }

    fn take(&mut self) -> (String, String) {
        self.well.pop().expect("enough of them")
    }

    /// A few drift in each way. What must be found.
    pub async fn drift(&mut self) -> Seeded {
        for _ in 0..EACH {
            self.drift_at_wechat().await;
            self.drift_of_customers().await;
            self.drift_for_persons().await;
        }
        // A first message of somebody whom C4C knows, and one who was merged with another customer.
        let (unmapped, pending) = (self.listed(), self.listed());
        self.customer(&unmapped);
        self.customer(&pending);
        self.write(mapping("main", &pending, MappingState::Pending))
            .await;
        let (merged, object) = self.take();
        self.world
            .c4c
            .with(|c4c, now, _| assert!(c4c.set_obsolete(&object, now)));
        self.customer(&merged);
        for openid in [unmapped, pending, merged] {
            self.seeded("customer_elsewhere", openid);
        }
        self.advance(Duration::from_hours(1));
        self.seeded.clone()
    }

    async fn drift_at_wechat(&mut self) {
        let openid = self.listed();
        self.seeded("follower_without_mapping", openid);
        let (openid, _) = self.take();
        self.world
            .wechat
            .with(|wechat, _, _| wechat.leave_unnoticed(&openid));
        self.seeded("unfollow_missed", openid);
        let (openid, _) = self.take();
        let left = MappingChange {
            followed_at: Some(self.world.clock.now()),
            ..mapping("main", &openid, MappingState::Unfollowed)
        };
        self.write(left).await;
        self.seeded("follow_missed", openid);
        let (openid, _) = self.take();
        self.world
            .wechat
            .with(|wechat, _, rng| wechat.migrate(&openid, rng).expect("they follow"));
        self.seeded("openid_changed", openid);
        for (remark, unionid) in [("李雷", None), ("", Some("u-news"))] {
            let (openid, _) = self.take();
            self.world.wechat.with(|wechat, _, _| {
                let person = wechat.person_mut(&openid).expect("they follow");
                remark.clone_into(&mut person.remark);
                person.unionid = unionid.map(|word| format!("{word}-{openid}"));
            });
            self.seeded("profile_changed", openid);
        }
    }

    async fn drift_of_customers(&mut self) {
        let openid = self.listed();
        self.write(mapping("main", &openid, MappingState::Pending))
            .await;
        self.seeded("mapping_without_customer", openid);
        for deleted in [true, false] {
            let (openid, object) = self.take();
            self.world.c4c.with(|c4c, now, _| {
                let gone = if deleted {
                    c4c.delete(&object, now)
                } else {
                    c4c.set_obsolete(&object, now)
                };
                assert!(gone);
            });
            self.seeded("customer_gone", openid);
        }
        let (openid, object) = self.take();
        self.change(&object, &[("WechatID", "")]);
        self.seeded("wechat_id_removed", openid);
        let (_, object) = self.take();
        self.change(&object, &[("Mobile", "+86 139 0000 0000")]);
        self.seeded("stale_snapshot", object);
    }

    async fn drift_for_persons(&mut self) {
        let (openid, object) = self.take();
        self.change(&object, &[("WechatID", "oSomebodyElse0000000000000001")]);
        self.seeded("wechat_id_changed", openid);
        let (openid, _) = self.take();
        let surplus = self.customer(&openid);
        self.surplus.insert(openid.clone(), surplus);
        self.seeded("duplicate_customers", openid);
        let (_, object) = self.take();
        let intruder = self.listed();
        let changes = self.linked("main", &intruder, &object);
        self.world.store().write(changes).await.unwrap();
        self.intruders.insert(object.clone(), intruder);
        self.seeded("shared_customer", object);
        self.drift_of_a_person_in_two_accounts().await;
    }

    async fn drift_of_a_person_in_two_accounts(&mut self) {
        let (openid, object) = self.take();
        let unionid = format!("u-{openid}");
        let twin = self.second.with(|wechat, now, rng| {
            let twin = wechat.new_follower(rng);
            wechat.adopt(&twin, now);
            wechat.person_mut(&twin).unwrap().unionid = Some(unionid.clone());
            twin
        });
        self.world.wechat.with(|wechat, _, _| {
            wechat.person_mut(&openid).unwrap().unionid = Some(unionid.clone());
        });
        let of_twin = self.customer(&twin);
        for (account, openid, object) in [("main", &openid, &object), ("second", &twin, &of_twin)] {
            let mut changes = self.linked(account, openid, object);
            changes.mappings[0].unionid = Some(UnionId::new(&unionid));
            self.world.store().write(changes).await.unwrap();
        }
        self.twins.insert(openid.clone(), twin);
        self.seeded("shared_unionid", openid);
    }

    /// People do what only people can, on the platforms.
    pub async fn solve(&self, persons: &Seeded) {
        for (kind, about) in persons {
            match kind.as_str() {
                "wechat_id_changed" => {
                    let follower = follower("main", about);
                    let mapping = self.world.store().mapping(&follower).await.unwrap();
                    let (object, _) = mapping.unwrap().customer.unwrap();
                    self.change(object.as_str(), &[("WechatID", about)]);
                }
                "duplicate_customers" => self.world.c4c.with(|c4c, now, _| {
                    assert!(c4c.set_obsolete(&self.surplus[about], now));
                }),
                "shared_customer" => self.world.unfollow(&self.intruders[about]),
                "shared_unionid" => {
                    let twin = &self.twins[about];
                    let push = self
                        .second
                        .with(|wechat, now, rng| wechat.unfollow(twin, now, rng));
                    let answered = self
                        .second
                        .until(|wechat| wechat.push(push)?.outcome().cloned());
                    answered.await;
                }
                other => panic!("{other} is for no person"),
            }
        }
        self.world.settled().await;
    }

    /// How the platforms look when all is repaired.
    pub fn check(&self) {
        let of_kind = |kind: &str| -> Vec<&String> {
            let seeded = self.seeded.iter();
            seeded
                .filter(|(k, _)| k == kind)
                .map(|(_, about)| about)
                .collect()
        };
        self.world.c4c.look(|c4c| {
            for kind in [
                "follower_without_mapping",
                "mapping_without_customer",
                "wechat_id_removed",
            ] {
                for openid in of_kind(kind) {
                    assert_eq!(c4c.find_by_wechat_id(openid).len(), 1, "{kind}");
                }
            }
            for openid in of_kind("openid_changed") {
                assert!(c4c.find_by_wechat_id(openid).is_empty());
            }
            let renamed = c4c.customers().filter(|c| c.text("FirstName") == "李雷");
            assert_eq!(renamed.count(), EACH);
        });
    }
}

fn follower(account: &str, openid: &str) -> Follower {
    Follower {
        account: AccountId::new(account),
        openid: OpenId::new(openid),
    }
}

fn mapping(account: &str, openid: &str, state: MappingState) -> MappingChange {
    MappingChange::to(follower(account, openid), TenantId::new("main"), state)
}
