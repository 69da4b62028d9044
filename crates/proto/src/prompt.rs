//! Prompts for a password whose words cannot be chosen.

use std::time::Duration;

use crate::Become;

/// How long a line that looks like a prompt must stay as it is to be taken for one.
pub const PROMPT_SETTLES: Duration = Duration::from_millis(150);

/// How programs that become another user say that a password is wrong, in lower case.
const REFUSED: &[&str] = &[
    "authentication failure",
    "incorrect password",
    "sorry, try again",
    "su: sorry",
    "authorization failed",
    "authentication failed",
];

/// What passwords are called by `su`, in lower case; the languages are those that Ansible knows.
const PASSWORD: &[&str] = &[
    "password",
    "암호",
    "パスワード",
    "adgangskode",
    "contraseña",
    "contrasenya",
    "hasło",
    "heslo",
    "jelszó",
    "lösenord",
    "mật khẩu",
    "mot de passe",
    "parola",
    "parool",
    "pasahitza",
    "passord",
    "passwort",
    "salasana",
    "sandi",
    "senha",
    "wachtwoord",
    "ססמה",
    "лозинка",
    "парола",
    "пароль",
    "गुप्तशब्द",
    "शब्दकूट",
    "సంకేతపదము",
    "හස්පදය",
    "密码",
    "密碼",
    "口令",
];

impl Become {
    /// Whether what was said ends in an unfinished line that asks for a password: in this user's words, or without any in
    /// whatever language.
    pub fn is_asked(&self, said: &str) -> bool {
        let last = said.rsplit(['\n', '\r']).next().unwrap_or_default().trim_end_matches(' ');
        let Some(words) = last.strip_suffix([':', '：']) else { return false };
        let words = words.trim_end().to_lowercase();
        match &*self.prompts {
            [] => PASSWORD.iter().any(|word| words.ends_with(word)),
            prompts => prompts.iter().any(|prompt| words.ends_with(&prompt.to_lowercase())),
        }
    }
}

/// Whether what was said is that the password is wrong.
pub fn is_refused(said: &str) -> bool {
    let said = said.to_lowercase();
    REFUSED.iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::is_refused;
    use crate::{Become, BecomeMethod};

    #[test]
    fn a_wrong_password_is_told_from_a_missing_right() {
        assert!(is_refused("su: Authentication failure") && is_refused("Sorry, try again."));
        assert!(!is_refused("Sorry, user ann is not allowed to execute '/bin/sh' as root on web1."));
    }

    fn asked_with(prompts: &[&str], said: &str) -> bool {
        let prompts = prompts.iter().map(|&prompt| prompt.to_owned()).collect();
        let user = "ann".to_owned();
        let method = BecomeMethod::Su;
        Become { method, user, exe: None, flags: None, password: None, prompts, within: 60 }.is_asked(said)
    }

    #[test]
    fn only_a_question_for_the_password_is_answered() {
        for prompt in
            ["Password: ", "hello\nMot de passe : ", "密码：", "doas (bob@web1) password: ", "ПАРОЛЬ:"]
        {
            assert!(asked_with(&[], prompt), "{prompt}");
        }
        for other in ["su: ", "Name: ", "Password:\n", "Password: denied", "wait", "the keeper asks:"] {
            assert!(!asked_with(&[], other), "{other}");
        }
        assert!(asked_with(&["Losung"], "die losung: ") && !asked_with(&["Losung"], "Password: "));
    }
}
