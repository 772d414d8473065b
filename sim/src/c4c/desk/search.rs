//! The function imports: searches that no filter can do (c4c.md 4.1, 4.2).

use super::super::C4c;
use super::super::error::Refusal;
use super::super::rows::Row;
use super::super::schema::{Function, Node};
use super::super::settings::IgnoreCase;
use super::Object;
use crate::wire::Request;

impl C4c {
    /// Calls a function with the parameters of the request.
    pub(in crate::c4c) fn call(
        &self,
        function: &Function,
        request: &Request,
    ) -> Result<Vec<Row<'_>>, Refusal> {
        let mut values = Vec::new();
        for name in function.parameters {
            values.push(parameter(request, name)?);
        }
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let found = match values.as_slice() {
            [Some(account), None, None] => self.profiles_by_account(account),
            [None, Some(number), Some(channel)] => self.profiles_by_customer(number, channel),
            [Some(root)] => self.history(root),
            _ => {
                let message = format!("The parameters of '{}' do not fit", function.name);
                return Err(Refusal::new(400, &message));
            }
        };
        Ok(found.into_iter().map(Row::Object).collect())
    }

    fn profiles_by_account(&self, account: &str) -> Vec<&Object> {
        let objects = &self.desk.objects;
        let users = if self.settings.ignore_case == IgnoreCase::All {
            let account = account.to_lowercase();
            let fits =
                |user: &&Object| user.text("SocialMediaUserAccountID").to_lowercase() == account;
            objects.all(Node::ProfileUser).filter(fits).collect()
        } else {
            objects.having(Node::ProfileUser, "SocialMediaUserAccountID", account)
        };
        let profiles = users.into_iter().filter_map(|user| {
            let profile = user.parent.as_ref()?;
            objects.get(Node::Profile, profile)
        });
        profiles.collect()
    }

    fn profiles_by_customer(&self, number: &str, channel: &str) -> Vec<&Object> {
        let objects = &self.desk.objects;
        let number = number.trim_start_matches('0');
        let fits = |profile: &&Object| {
            let users = objects.children(&profile.id, Node::ProfileUser);
            let on_channel = |user: &Object| user.text("ExternalPartyAccountID") == channel;
            let bound = profile.text("AccountInternalID").trim_start_matches('0');
            !number.is_empty() && bound == number && users.into_iter().any(on_channel)
        };
        objects.all(Node::Profile).filter(fits).collect()
    }

    /// The messages of a conversation, in no order that a client could rely on.
    fn history(&self, root: &str) -> Vec<&Object> {
        let objects = &self.desk.objects;
        let Some(first) = objects.get(Node::Activity, root) else {
            return Vec::new();
        };
        let thread = "RootSocialMediaActivityUUID";
        let mut found = objects.having(Node::Activity, thread, &first.uuid());
        found.retain(|message| self.settings.children_with_root || message.id != first.id);
        // Keys end in a counter: read backwards they jump.
        found.sort_by_key(|message| message.id.chars().rev().collect::<String>());
        found
    }
}

/// A parameter: a string literal in quotes, doubled inside.
fn parameter(request: &Request, name: &str) -> Result<Option<String>, Refusal> {
    let Some(literal) = request.param(name) else {
        return Ok(None);
    };
    let text = literal
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    let Some(text) = text else {
        let message = format!("Parameter '{name}' must be a string in quotes");
        return Err(Refusal::new(400, &message));
    };
    Ok(Some(text.replace("''", "'")))
}
