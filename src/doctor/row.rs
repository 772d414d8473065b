//! A check, and what it comes to.

use std::str::FromStr;

use serde_json::{Value, json};

/// A sentence in English and in Chinese.
pub type Told = [String; 2];

/// The same in both languages; names in braces are variables, as in `format!`.
macro_rules! told {
    ($english:literal, $chinese:literal) => {
        [format!($english), format!($chinese)]
    };
}
pub(super) use told;

/// In which language a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// 中文.
    Zh,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The language of a locale such as `zh_CN.UTF-8`; English for all that is not Chinese.
    pub fn of_locale(locale: &str) -> Self {
        if locale.starts_with("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The one of two that is in this language: English, then Chinese.
    pub fn of<T>(self, told: &[T; 2]) -> &T {
        match self {
            Self::En => &told[0],
            Self::Zh => &told[1],
        }
    }
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            _ => Err("the languages are en and zh"),
        }
    }
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and a person should look.
    Warning,
    /// Something does not work, or will not for long.
    Failed,
    /// It was not or could not be looked at.
    Skipped,
}

impl Outcome {
    /// The word of JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// The word for a person.
    pub fn word(self, language: Language) -> &'static str {
        match language {
            Language::En => self.as_str(),
            Language::Zh => match self {
                Self::Ok => "正常",
                Self::Warning => "警告",
                Self::Failed => "失败",
                Self::Skipped => "跳过",
            },
        }
    }

    /// What a number comes to, of which so much is a warning and so much a failure.
    pub(super) fn above<T: PartialOrd>(found: &T, [warns, fails]: &[T; 2]) -> Self {
        if found >= fails {
            Self::Failed
        } else if found >= warns {
            Self::Warning
        } else {
            Self::Ok
        }
    }

    /// The same where little is bad.
    pub(super) fn below<T: PartialOrd>(found: &T, [warns, fails]: &[T; 2]) -> Self {
        if found <= fails {
            Self::Failed
        } else if found <= warns {
            Self::Warning
        } else {
            Self::Ok
        }
    }

    /// A warning where something is.
    pub(super) fn warning_if(is: bool) -> Self {
        if is { Self::Warning } else { Self::Ok }
    }
}

/// One thing that is looked at.
#[derive(Debug)]
pub struct Check {
    /// Stable: `group.name`.
    pub id: &'static str,
    /// What is so when all is well.
    pub title: [&'static str; 2],
    /// What to do when it is not.
    pub remedy: [&'static str; 2],
    /// Whether it calls somebody else's machine.
    pub live: bool,
}

impl Check {
    /// A check that looks at this machine only.
    pub(super) const fn local(
        id: &'static str,
        title: [&'static str; 2],
        remedy: [&'static str; 2],
    ) -> Self {
        Self {
            id,
            title,
            remedy,
            live: false,
        }
    }

    /// A check that needs the network.
    pub(super) const fn live(
        id: &'static str,
        title: [&'static str; 2],
        remedy: [&'static str; 2],
    ) -> Self {
        Self {
            id,
            title,
            remedy,
            live: true,
        }
    }

    /// Its group.
    pub fn group(&self) -> &'static str {
        self.id.split('.').next().unwrap_or(self.id)
    }

    /// A row about `subject`, an account for example; empty where there is only one thing.
    pub(super) fn row(&'static self, subject: &str, outcome: Outcome, evidence: Told) -> Row {
        Row {
            check: self,
            subject: subject.to_owned(),
            outcome,
            evidence,
        }
    }

    pub(super) fn is_ok(&'static self, subject: &str, evidence: Told) -> Row {
        self.row(subject, Outcome::Ok, evidence)
    }

    pub(super) fn warns(&'static self, subject: &str, evidence: Told) -> Row {
        self.row(subject, Outcome::Warning, evidence)
    }

    pub(super) fn fails(&'static self, subject: &str, evidence: Told) -> Row {
        self.row(subject, Outcome::Failed, evidence)
    }

    pub(super) fn skips(&'static self, subject: &str, evidence: Told) -> Row {
        self.row(subject, Outcome::Skipped, evidence)
    }
}

/// What one check came to for one subject.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which check.
    pub check: &'static Check,
    /// Which account, tenant, host or folder; empty where there is only one.
    pub subject: String,
    /// What it came to.
    pub outcome: Outcome,
    /// What was seen.
    pub evidence: Told,
}

impl Row {
    /// What was seen.
    pub fn evidence(&self, language: Language) -> &str {
        language.of::<String>(&self.evidence)
    }

    /// What should be.
    pub fn title(&self, language: Language) -> &'static str {
        language.of::<&str>(&self.check.title)
    }

    /// What to do, if there is something to do.
    pub fn remedy(&self, language: Language) -> Option<&'static str> {
        matches!(self.outcome, Outcome::Warning | Outcome::Failed)
            .then(|| *language.of(&self.check.remedy))
    }

    /// For programs. The members are stable.
    pub fn json(&self, language: Language) -> Value {
        json!({
            "id": self.check.id,
            "group": self.check.group(),
            "subject": self.subject,
            "outcome": self.outcome.as_str(),
            "title": self.title(language),
            "evidence": self.evidence(language),
            "remedy": self.remedy(language),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_inclusive() {
        let above = |n| Outcome::above(&n, &[5, 10]);
        assert_eq!(
            [above(4), above(5), above(10)],
            [Outcome::Ok, Outcome::Warning, Outcome::Failed]
        );
        let below = |n| Outcome::below(&n, &[10, 5]);
        assert_eq!(
            [below(11), below(10), below(5)],
            [Outcome::Ok, Outcome::Warning, Outcome::Failed]
        );
    }

    #[test]
    fn a_chinese_locale_is_told_in_chinese() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Language::Zh),
            ("zh", Language::Zh),
            ("de_DE.UTF-8", Language::En),
            ("C", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }
}
