//! Ways to hosts that are no machines of their own: containers, pods, folders.

use shevek_connection::{ContainerTarget, InsideTarget};
use shevek_diag::{Diagnostic, Result};
use shevek_kit::words;

/// Looks up a connection variable by its names, best first.
pub(crate) type Lookup<'a> = &'a dyn Fn(&[&str]) -> Result<Option<String>>;

/// Options of `kubectl` with the variables that set them.
const KUBECTL: [(&str, &str); 9] = [
    ("namespace", "ansible_kubectl_namespace"),
    ("container", "ansible_kubectl_container"),
    ("kubeconfig", "ansible_kubectl_kubeconfig"),
    ("context", "ansible_kubectl_context"),
    ("server", "ansible_kubectl_server"),
    ("token", "ansible_kubectl_token"),
    ("client-certificate", "ansible_kubectl_client_cert"),
    ("client-key", "ansible_kubectl_client_key"),
    ("certificate-authority", "ansible_kubectl_ca_cert"),
];

/// The way that a connection of that name means; `None`: it is none of these. `host` is the inventory's name, `user`
/// whom the task logs in as.
pub(crate) fn target(
    connection: &str,
    host: &str,
    user: Option<String>,
    word: Lookup<'_>,
) -> Result<Option<InsideTarget>> {
    let name = || Ok::<_, Box<Diagnostic>>(word(&["ansible_host"])?.unwrap_or_else(|| host.to_owned()));
    Ok(Some(match connection {
        "docker" | "community.docker.docker" | "community.docker.docker_api" => {
            let mut arguments = split(word(&["ansible_docker_extra_args"])?)?;
            if let Some(daemon) = word(&["ansible_docker_docker_host"])? {
                arguments.extend(["--host".to_owned(), daemon]);
            }
            let named = word(&["ansible_docker_host"])?;
            InsideTarget::Docker(ContainerTarget {
                name: named.map_or_else(name, Ok)?,
                user: word(&["ansible_docker_user"])?.or(user),
                program: word(&["ansible_docker_command"])?,
                arguments,
            })
        }
        "podman" | "containers.podman.podman" => InsideTarget::Podman(ContainerTarget {
            name: name()?,
            user,
            program: word(&["ansible_podman_executable"])?,
            arguments: split(word(&["ansible_podman_extra_args"])?)?,
        }),
        "kubectl" | "kubernetes.core.kubectl" => {
            let mut arguments = split(word(&["ansible_kubectl_extra_args"])?)?;
            for (option, variable) in KUBECTL {
                if let Some(value) = word(&[variable])? {
                    arguments.push(format!("--{option}={value}"));
                }
            }
            let pod = word(&["ansible_kubectl_pod"])?;
            InsideTarget::Kubectl(ContainerTarget {
                name: pod.map_or_else(name, Ok)?,
                user: None,
                program: None,
                arguments,
            })
        }
        "chroot" | "community.general.chroot" => {
            InsideTarget::Chroot { folder: name()?.into(), program: word(&["ansible_chroot_exe"])? }
        }
        _ => return Ok(None),
    }))
}

fn split(arguments: Option<String>) -> Result<Vec<String>> {
    let text = arguments.unwrap_or_default();
    words::split(&text).map_err(|why| {
        Diagnostic::new("arguments that cannot be split into words").detail(format!("{text}: {why}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(connection: &str, variables: &[(&str, &str)]) -> Option<InsideTarget> {
        let word = |names: &[&str]| {
            let found = variables.iter().find(|(name, _)| names.contains(name));
            Ok(found.map(|(_, value)| (*value).to_owned()))
        };
        target(connection, "web1", Some("app".to_owned()), &word).unwrap()
    }

    #[test]
    fn containers_go_by_the_hosts_name_or_address() {
        let Some(InsideTarget::Docker(docker)) = way("community.docker.docker", &[]) else { panic!() };
        assert_eq!((docker.name.as_str(), docker.user.as_deref()), ("web1", Some("app")));
        let variables = [("ansible_host", "c7"), ("ansible_podman_extra_args", "--log-level 'a b'")];
        let Some(InsideTarget::Podman(podman)) = way("podman", &variables) else { panic!() };
        assert_eq!(podman.name, "c7");
        assert_eq!(podman.arguments, ["--log-level", "a b"]);
    }

    #[test]
    fn a_pod_has_its_namespace_and_container() {
        let variables = [("ansible_kubectl_namespace", "prod"), ("ansible_kubectl_container", "side")];
        let Some(InsideTarget::Kubectl(pod)) = way("kubernetes.core.kubectl", &variables) else { panic!() };
        assert_eq!(pod.arguments, ["--namespace=prod", "--container=side"]);
        assert_eq!(pod.user, None);
    }

    #[test]
    fn other_names_are_none_of_these() {
        assert_eq!(way("winrm", &[]), None);
    }
}
