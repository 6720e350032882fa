//! Image references, taken apart as container runtimes do it.

/// Registry and repository of an image, without tag and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// In lower case; `docker.io` when the reference names none.
    pub registry: String,
    /// `library/` stands before a bare name of Docker Hub.
    pub repository: String,
}

/// Longest reference read; the specification allows 255 for the repository.
const REFERENCE_MAX: usize = 1024;

impl Image {
    /// Takes a reference apart; `None` for an empty or an endless one.
    pub fn parse(reference: &str) -> Option<Self> {
        let reference = reference.trim();
        if reference.is_empty() || reference.len() > REFERENCE_MAX {
            return None;
        }
        let name = reference.split('@').next().unwrap_or_default();
        let (first, rest) = name.split_once('/').unwrap_or(("", name));
        let is_registry = first.contains(['.', ':']) || first == "localhost";
        let (registry, path) = if is_registry { (first, rest) } else { ("docker.io", name) };
        let registry = match registry.to_ascii_lowercase() {
            hub if matches!(hub.as_str(), "index.docker.io" | "registry-1.docker.io") => {
                "docker.io".to_owned()
            }
            registry => registry,
        };
        // The tag's colon comes after the last slash; a port's was in the registry.
        let path = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => path,
            _ => path,
        };
        let bare = registry == "docker.io" && !path.contains('/');
        let repository = if bare { format!("library/{path}") } else { path.to_owned() };
        (!path.is_empty()).then_some(Self { registry, repository })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_normalised() {
        for (reference, registry, repository) in [
            ("nginx", "docker.io", "library/nginx"),
            ("nginx:1.27", "docker.io", "library/nginx"),
            ("bitnami/redis@sha256:00", "docker.io", "bitnami/redis"),
            ("index.docker.io/library/nginx", "docker.io", "library/nginx"),
            ("MCR.microsoft.com/aks/x:v1@sha256:00", "mcr.microsoft.com", "aks/x"),
            ("localhost/x", "localhost", "x"),
            ("registry:5000/team/x:1", "registry:5000", "team/x"),
            ("contoso.azurecr.io/a/b/c", "contoso.azurecr.io", "a/b/c"),
        ] {
            let expected = Image { registry: registry.into(), repository: repository.into() };
            assert_eq!(Image::parse(reference), Some(expected), "{reference}");
        }
        for nothing in ["", " ", "@", ":tag", &"x".repeat(2000)] {
            assert_eq!(Image::parse(nothing), None);
        }
    }
}
