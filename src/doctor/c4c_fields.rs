//! The fields that the configuration names, against what `$metadata` says of them (c4c.md 1.4).

use std::collections::BTreeSet;

use super::row::{Check, Outcome, Row, told};
use crate::c4c::examine::CUSTOMERS;
use crate::c4c::{Client, Error, Metadata, Pace};
use crate::config::{Tenant, WechatIdWrite};

static METADATA: Check = Check::live(
    "c4c.metadata",
    ["The services tell what they hold", "服务可以给出其元数据"],
    [
        "correct service and wechat_id, and allow the services for the user",
        "修改 service 和 wechat_id，并为该用户开放这些服务",
    ],
);
static FIELD: Check = Check::live(
    "c4c.wechat_id_field",
    [
        "The field with the WeChat ID exists",
        "存放微信 ID 的字段存在",
    ],
    [
        "add the extension field in C4C, or correct field and set of wechat_id",
        "在 C4C 中添加扩展字段，或修改 wechat_id 的 field 和 set",
    ],
);
static WRITABLE: Check = Check::live(
    "c4c.wechat_id_writable",
    [
        "The WeChat ID can be written as configured",
        "微信 ID 可按配置方式写入",
    ],
    [
        "make the field creatable or updatable in C4C, or choose another write of wechat_id",
        "在 C4C 中允许该字段在创建或更新时写入，或更改 wechat_id 的 write",
    ],
);
static LOOKUP: Check = Check::live(
    "c4c.lookup",
    [
        "A customer can be searched for by OpenID",
        "可按 OpenID 查找客户",
    ],
    [
        "mark the WeChat ID as filterable in the OData service, or name a filterable field in lookup",
        "在 OData 服务中将微信 ID 标记为可筛选，或在 lookup 中使用可筛选字段",
    ],
);
static WATCH: Check = Check::live(
    "c4c.watch",
    ["Every watched field exists", "watch 中的字段都存在"],
    [
        "correct the names in watch; docs/C4C-SETUP.md tells where to find them",
        "修改 watch 中的字段名；docs/C4C-SETUP.md 说明了在哪里查找",
    ],
);
static CREATE: Check = Check::live(
    "c4c.create_fields",
    [
        "Every field of a new customer may be sent",
        "新建客户时发送的字段都允许写入",
    ],
    [
        "correct the names in customer, or make the fields creatable in C4C",
        "修改 customer 中的字段名，或在 C4C 中允许创建时写入",
    ],
);
static CHANGES: Check = Check::live(
    "c4c.changes",
    [
        "Customers can be searched for by their last change",
        "可按最近更改时间查找客户",
    ],
    [
        "use the service c4codataapi; without the search lost notifications are not found",
        "使用 c4codataapi 服务；否则无法找回丢失的通知",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &METADATA, &FIELD, &WRITABLE, &LOOKUP, &WATCH, &CREATE, &CHANGES,
];

/// The stamp that sweeps search by (c4c.md 1.11).
const CHANGED_ON: &str = "EntityLastChangedOn";

/// The word in `lookup` that stands for wherever the WeChat ID lives.
const WECHAT_ID: &str = "wechat_id";

/// What is known of the services that hold fields.
struct Known {
    standard: Metadata,
    /// Of the custom service with the WeChat ID, if it is not the standard one.
    custom: Option<Metadata>,
}

pub(super) async fn examine(name: &str, tenant: &Tenant, client: &Client) -> Vec<Row> {
    let known = match read(tenant, client).await {
        Ok(known) => known,
        Err(fault) => {
            let mut rows = vec![METADATA.fails(name, told!("{fault}", "{fault}"))];
            let why = told!("there is no metadata", "没有元数据");
            rows.extend(
                CHECKS[1..]
                    .iter()
                    .map(|check| check.skips(name, why.clone())),
            );
            return rows;
        }
    };
    let sets = known.standard.sets().count();
    vec![
        METADATA.is_ok(name, told!("{sets} entity sets", "{sets} 个实体集")),
        field(name, tenant, &known),
        writable(name, tenant, &known),
        lookup(name, tenant, &known),
        watch(name, tenant, &known),
        create(name, tenant, &known),
        changes(name, &known),
    ]
}

async fn read(tenant: &Tenant, client: &Client) -> Result<Known, Error> {
    let standard = client.metadata(Pace::Live, &tenant.service).await?;
    let custom = match &tenant.wechat_id.service {
        Some(custom) => Some(client.metadata(Pace::Live, &custom.path).await?),
        None => None,
    };
    Ok(Known { standard, custom })
}

/// The property that holds the WeChat ID.
fn wechat_id(tenant: &Tenant, known: &Known) -> Option<crate::c4c::metadata::Property> {
    let field = &tenant.wechat_id.field;
    match (&tenant.wechat_id.service, &known.custom) {
        (Some(custom), Some(metadata)) => metadata.property(&custom.set, field),
        _ => known.standard.property(CUSTOMERS, field),
    }
}

fn field(name: &str, tenant: &Tenant, known: &Known) -> Row {
    let field = &tenant.wechat_id.field;
    let is_there = wechat_id(tenant, known).is_some();
    // The parent is what joins a row of a custom service to its customer.
    let lost = match (&tenant.wechat_id.service, &known.custom) {
        (Some(custom), Some(metadata)) => {
            let parent = metadata.property(&custom.set, &custom.parent);
            parent.is_none().then_some(&custom.parent)
        }
        _ => None,
    };
    match (is_there, lost) {
        (true, None) => FIELD.is_ok(name, told!("{field}", "{field}")),
        (false, _) => FIELD.fails(name, told!("there is no {field}", "没有 {field}")),
        (true, Some(parent)) => FIELD.fails(name, told!("there is no {parent}", "没有 {parent}")),
    }
}

fn writable(name: &str, tenant: &Tenant, known: &Known) -> Row {
    let field = &tenant.wechat_id.field;
    let Some(property) = wechat_id(tenant, known) else {
        return WRITABLE.skips(name, told!("there is no {field}", "没有 {field}"));
    };
    let may = match tenant.wechat_id.write {
        WechatIdWrite::Script => {
            return WRITABLE.is_ok(name, told!("a script in C4C writes it", "由 C4C 脚本写入"));
        }
        WechatIdWrite::Create => property.creatable,
        WechatIdWrite::Patch => property.updatable,
    };
    if may {
        WRITABLE.is_ok(name, told!("{field} can be written", "{field} 可写"))
    } else {
        WRITABLE.fails(
            name,
            told!("{field} cannot be written so", "{field} 不能以此方式写入"),
        )
    }
}

fn lookup(name: &str, tenant: &Tenant, known: &Known) -> Row {
    let filterable = |place: &String| {
        let property = if place == WECHAT_ID {
            wechat_id(tenant, known)
        } else {
            known.standard.property(CUSTOMERS, place)
        };
        property.is_some_and(|property| property.filterable)
    };
    let (good, bad): (Vec<&String>, Vec<&String>) =
        tenant.lookup.iter().partition(|place| filterable(place));
    let (good, bad) = (list(&good), list(&bad));
    match (good.is_empty(), bad.is_empty()) {
        (true, _) => LOOKUP.fails(name, told!("not by {bad}", "不能按 {bad} 查找")),
        (false, true) => LOOKUP.is_ok(name, told!("by {good}", "可按 {good} 查找")),
        (false, false) => LOOKUP.warns(
            name,
            told!("by {good}, not by {bad}", "可按 {good}，不能按 {bad}"),
        ),
    }
}

fn watch(name: &str, tenant: &Tenant, known: &Known) -> Row {
    let is_unknown = |field: &&String| known.standard.property(CUSTOMERS, field).is_none();
    named(&WATCH, name, tenant.watch.iter().filter(is_unknown))
}

fn create(name: &str, tenant: &Tenant, known: &Known) -> Row {
    let refused = |field: &&String| {
        let property = known.standard.property(CUSTOMERS, field);
        !property.is_some_and(|property| property.creatable)
    };
    named(&CREATE, name, tenant.customer.keys().filter(refused))
}

fn changes(name: &str, known: &Known) -> Row {
    let property = known.standard.property(CUSTOMERS, CHANGED_ON);
    let outcome = Outcome::warning_if(!property.is_some_and(|p| p.filterable));
    CHANGES.row(name, outcome, told!("by {CHANGED_ON}", "按 {CHANGED_ON}"))
}

/// Fails and names them, if there are any.
fn named<'a>(check: &'static Check, name: &str, wrong: impl Iterator<Item = &'a String>) -> Row {
    let wrong: BTreeSet<&String> = wrong.collect();
    if wrong.is_empty() {
        return check.is_ok(name, told!("all of them", "全部"));
    }
    let wrong = list(&wrong.into_iter().collect::<Vec<_>>());
    check.fails(name, told!("not {wrong}", "{wrong} 不行"))
}

fn list(names: &[&String]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.join(", ")
}
