"""Facts of managed Postgres."""

import ssl

from llmplatform.catalog import databases, regions


def test_an_authority_of_rds_is_of_its_region_and_lasts_as_long_as_its_guide_says() -> None:
    known = [(region, pem) for region in regions.names("aws") if (pem := databases.rds_authority(region))]
    assert len(known) > 25
    for region, pem in known:
        (authority,) = ssl.create_default_context(cadata=pem).get_ca_certs()
        assert ("commonName", f"Amazon RDS {region} Root CA RSA2048 G1") in [each for (each,) in authority["subject"]]
        assert authority["subject"] == authority["issuer"], f"{region}: no root"
        assert int(str(authority["notAfter"]).split()[3]) >= 2061, region
