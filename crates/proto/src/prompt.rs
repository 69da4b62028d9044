//! Prompts for a password whose words cannot be chosen.

use crate::Become;

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

#[cfg(test)]
mod tests {
    use crate::{Become, BecomeMethod};

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
