use super::*;

#[test]
fn case_and_empty_segments_do_not_count() {
    let id = Uuid::from_u128(1);
    let item = Address::Entity(EntityType::ProxyService, Part::Item(id));
    for path in [
        "/qrs/proxyservice/00000000-0000-0000-0000-000000000001",
        "/QRS//proxyService/00000000-0000-0000-0000-000000000001/",
        "/qrs/%70roxyservice/00000000000000000000000000000001",
    ] {
        assert_eq!(Address::parse(path), Ok(item.clone()), "{path}");
    }
    assert_eq!(Address::parse("/qrs/about//"), Ok(Address::About));
    let synthetic = format!("/qrs/selection/{id}/ProxyService/synthetic");
    let selected = Address::Selected(id, EntityType::ProxyService, Part::Synthetic);
    assert_eq!(Address::parse(&synthetic), Ok(selected));
}

#[test]
fn what_does_not_exist_is_said_so() {
    for path in [
        "/",
        "/qrs",
        "/qrs/nothing",
        "/about",
        "/qrs/about/x",
        "/qrs/%ff",
        "/qrs/virtualproxyconfig%2ffull",
        "/qrs/virtualproxyconfig/full/x",
        "/qrs/../qrs/about",
        "/qrs/selection/nothing",
        "/qrs/selection/00000000-0000-0000-0000-000000000001/tag/local",
    ] {
        assert_eq!(Address::parse(path).unwrap_err().status, 404, "{path}");
    }
    for path in [
        "/qrs/virtualproxyconfig/local",
        "/qrs/proxyservice/1",
        "/qrs/tag/synthetic",
        "/qrs/selection/x/tag",
    ] {
        assert_eq!(Address::parse(path).unwrap_err().status, 400, "{path}");
    }
}

#[test]
fn each_address_has_its_methods() {
    let verb = |path: &str, method| {
        let path = path.replace("ID", "00000000-0000-0000-0000-000000000001");
        let address = Address::parse(&path).unwrap();
        address.verb(&method).map_err(|p| p.status.as_u16())
    };
    assert_eq!(
        verb("/qrs/servernodeconfiguration", Method::POST),
        Ok(Verb::Create)
    );
    assert_eq!(verb("/qrs/servernodeconfiguration", Method::PUT), Err(405));
    assert_eq!(verb("/qrs/proxyservice", Method::GET), Ok(Verb::Read));
    assert_eq!(verb("/qrs/proxyservice", Method::POST), Err(405));
    assert_eq!(verb("/qrs/proxyservice/many", Method::POST), Err(405));
    assert_eq!(verb("/qrs/proxyservice/ID", Method::POST), Ok(Verb::Update));
    assert_eq!(verb("/qrs/proxyservice/ID", Method::PUT), Ok(Verb::Update));
    assert_eq!(verb("/qrs/proxyservice/ID", Method::DELETE), Err(405));
    assert_eq!(
        verb("/qrs/virtualproxyconfig/ID", Method::DELETE),
        Ok(Verb::Delete)
    );
    assert_eq!(
        verb("/qrs/virtualproxyconfig/ID", Method::HEAD),
        Ok(Verb::Read)
    );
    assert_eq!(verb("/qrs/virtualproxyconfig/ID", Method::POST), Err(405));
    assert_eq!(verb("/qrs/servicestatus/ID", Method::PUT), Err(405));
    assert_eq!(verb("/qrs/tag/table", Method::POST), Ok(Verb::Create));
    assert_eq!(verb("/qrs/tag/table", Method::GET), Err(405));
    assert_eq!(verb("/qrs/about", Method::OPTIONS), Err(405));
    assert_eq!(
        verb("/qrs/selection/ID/tag", Method::DELETE),
        Ok(Verb::Delete)
    );
    assert_eq!(
        verb("/qrs/selection/ID/proxyservice", Method::DELETE),
        Err(405)
    );
    assert_eq!(verb("/qrs/selection/tag", Method::POST), Ok(Verb::Create));
    assert_eq!(verb("/qrs/app/count", Method::GET), Ok(Verb::Read));
    assert_eq!(verb("/qrs/app", Method::POST), Err(405));
}
