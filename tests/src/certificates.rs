//! Certificates made on the spot, in the files that `envoy/envoy.yaml` names.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use std::fs;
use std::path::Path;

/// The name in the certificates of both servers.
pub const SERVER: &str = "localhost";

/// Whose certificate [`write_eap`] makes for a device.
pub const DEVICE: &str = "ada@example.com";

/// Writes what EAP needs into `folder`: `ca`, and by it `radius` for the server and one for the
/// device of [`DEVICE`], named so.
///
/// # Panics
/// When they cannot be made.
pub fn write_eap(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for certificates");
    let authority = authority("EAP");
    issue(
        folder,
        "radius",
        &authority,
        &[ExtendedKeyUsagePurpose::ServerAuth],
    );
    issue(
        folder,
        DEVICE,
        &authority,
        &[ExtendedKeyUsagePurpose::ClientAuth],
    );
    fs::write(folder.join("ca.crt"), authority.pem()).expect("a certificate file");
}

/// Writes the certificates and keys of one deployment into `folder`, and returns the authority of
/// the endpoint's own certificate in DER, which is another one than etcd's.
///
/// # Panics
/// When they cannot be made.
#[must_use]
pub fn write(folder: &Path) -> Vec<u8> {
    fs::create_dir_all(folder).expect("a folder for certificates");
    let public = authority("Public");
    let private = authority("etcd");
    let server = &[ExtendedKeyUsagePurpose::ServerAuth];
    let client = &[ExtendedKeyUsagePurpose::ClientAuth];
    // etcd's gateway presents its server certificate to itself as a client's.
    let both = &[
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    issue(folder, "server", &public, server);
    issue(folder, "etcd-server", &private, both);
    issue(folder, "etcd-client", &private, client);
    fs::write(folder.join("etcd-ca.crt"), private.pem()).expect("a certificate file");
    public.der().to_vec()
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn issue(
    folder: &Path,
    name: &str,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    usages: &[ExtendedKeyUsagePurpose],
) {
    let key = KeyPair::generate().expect("a key");
    let mut params =
        CertificateParams::new(vec![SERVER.into(), "127.0.0.1".into()]).expect("valid names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = usages.to_vec();
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    fs::write(folder.join(format!("{name}.crt")), certificate.pem()).expect("a certificate file");
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).expect("a key file");
}
