"""What the names of columns mean, in English and Spanish, as systems and people write them. Pure."""

from __future__ import annotations

import re
import unicodedata

_SYNONYMS = {
    "first_name": "first name|first|firstname|given name|given|givenname|forename|fname|first nm|name first|"
    "christian name|nombre|nombres|primer nombre|nombre de pila|nombre paciente|nom|given names|"
    "preferred first name|f name",
    "last_name": "last name|last|lastname|surname|family name|family|familyname|lname|last nm|name last|"
    "second name|apellido|apellidos|primer apellido|apellido paterno|apellidos del paciente|l name|"
    "family names|surnames",
    "middle_name": "middle name|middle|middlename|middle initial|mi|mname|m i|name middle|segundo nombre|inicial",
    "full_name": "full name|name|fullname|patient name|patientname|pt name|contact name|"
    "apellidos y nombre|apellidos nombre|name of patient|"
    "nombre del paciente|patient full name|member name|client name|name last first|last first|"
    "last name first name|display name|paciente|patient",
    "full_name_two_families": "nombre completo|nombre y apellidos|nombre y apellido|nombres y apellidos",
    "prefix": "prefix|salutation|honorific|title|name prefix|tratamiento|saludo|titulo|courtesy title",
    "suffix": "suffix|name suffix|namesuffix|generation|generational suffix|sufijo",
    "birth_date": "birth date|birthdate|date of birth|dob|birthday|born|birth|birth dt|dt of birth|d o b|b day|"
    "bday|dateofbirth|fecha de nacimiento|f nacimiento|fecha nacimiento|fec nac|fecha nac|f nac|fnac|"
    "nacimiento|fdn|nacido|nacida|patient dob|pt dob|pat dob|dob mm dd yyyy|birth day|"
    "fechanacimiento|fecha de nac|cumpleanos",
    "death_date": "death date|deathdate|date of death|dod|deceased date|deceased|deceased dt|date deceased|died|"
    "died on|fecha de defuncion|fecha de fallecimiento|fallecimiento|defuncion",
    "sex": "sex|gender|sexo|genero|administrative sex|legal sex|birth sex|sex at birth|"
    "sex assigned at birth|assigned sex|gender identity|patient sex|pt sex|m f|sex code|gender code|"
    "administrative gender",
    "language": "language|preferred language|lang|language preference|primary language|language spoken|"
    "spoken language|language code|pref lang|pref language|preferred lang|idioma|idioma preferido|"
    "lengua|lengua materna|idioma principal|language desc|mother tongue|written language|lang pref|"
    "idioma hablado|home language",
    "race": "race|raza|race desc|race code|patient race",
    "ethnicity": "ethnicity|ethnic group|ethnicgroup|etnia|etnicidad|ethnicity desc|hispanic",
    "marital_status": "marital status|marital|maritalstatus|estado civil|civil status",
    "relation": "relation|relationship|contact type|relacion|relationship type",
    "mrn": "mrn|no de historia|no historia|no historia clinica|"
    "medical record number|medical record|medicalrecordnumber|medical record no|med rec no|med rec|"
    "med rec nbr|chart number|chart|chart no|patient number|patientnumber|mr number|mr no|record|"
    "record number|record no|emr number|emr id|epic mrn|epi|mpi|empi|numero de historia|"
    "numero de historia clinica|historia clinica|n historia|nhc|expediente|numero de expediente|"
    "no de expediente|numero de paciente|num de expediente|num expediente|nro de expediente|n expediente|"
    "num de historia|num historia|num historia clinica|nro de historia clinica|nro historia clinica|num de paciente|"
    "no expediente|hospital number|unit number|urn|pat mrn|"
    "patient mrn|pt mrn|mrn id|chart id|account mrn",
    "external_id": "id|external id|externalid|patient id|patientid|pt id|pat id|contact id|person id|number|no|"
    "guid|uuid|account number|member id|memberid|member number|client id|record id|subject id|"
    "customer id|enterprise id|identifier|identificador|id del paciente|id paciente|identificacion|"
    "id externo|numero|person number|uid|key|row id|ext id|subscriber id|medicaid id|health plan id|"
    "acct|account no|acct no|acct number|system id|patient identifier|pid",
    "tags": "tags|tag|labels|etiquetas|etiqueta",
    "guardian": "guardian|guardian id|guarantor|responsible party|parent|tutor|guardian mrn|parent mrn|"
    "responsable",
    "email": "email|e mail|email address|e mail address|mail|mail address|emailaddress|correo|"
    "correo electronico|email 1|primary email|personal email|home email|patient email|pt email|"
    "pat email|direccion de correo|email addr|e mail addr|direccion de correo electronico|correo e|"
    "contact email|email id|preferred email|emails|internet address",
    "phone": "phone|telephone|telephone number|phone number|mobile|cell|cell phone|cellphone|mobile phone|"
    "tel|telefono|phone no|ph|ph no|tel no|tel number|mobile number|cell number|home phone|"
    "primary phone|contact phone|phone 1|cell no|numero de telefono|celular|telefono celular|movil|"
    "telefono movil|telefono de casa|patient phone|pt phone|contact number|telephone no|"
    "preferred phone|phones|tfno|tlf|telf|num telefono|teléfono fijo|home phone number|"
    "cell phone number|mobile phone number|daytime phone|evening phone|best phone",
    "address_line": "street|address|street address|streetaddress|address 1|address line 1|address line|line 1|addr|"
    "addr 1|direccion|domicilio|calle|home address|mailing address|street 1|address street|"
    "addr line 1|add 1|add line 1|street name|direccion 1|residence|patient address|pat address",
    "city": "city|town|ciudad|municipality|municipio|city name|localidad|city town|poblacion|home city|"
    "mailing city",
    "county": "county|condado|county name|parish",
    "state": "state|province|region|estado|state code|st|state province|state abbr|provincia|home state|"
    "mailing state|state cd",
    "zip": "zip|zip code|zipcode|postal code|postalcode|postcode|postal|zip postal code|zip 5|"
    "codigo postal|c p|cp|zip plus 4|zip 4|home zip|cod postal|mailing zip|zip cd|codigo zip",
    "country": "country|pais|country code|nation|home country|country name",
    "organization": "organization|organisation|company|employer|practice|organizacion|empresa|company name|empleador|"
    "employer name|organization name|compania|lugar de trabajo",
    "job_title": "job title|jobtitle|position|role|puesto|cargo|occupation|ocupacion|profesion|profession|job",
}  # fmt: skip

_NOISE = frozenset(
    "patient patients pt pat member client person contact the of de del la el los las primary current legal "  # noqa: SIM905 - easier to read and to add to
    "main your my field txt str val value desc nm paciente persona principal actual demographics demographic "
    "pref preferred c s usual official recorded known".split()
)
"""Words around the one that tells: "Patient Primary E-mail Address" is an e-mail address."""

_OTHERS = frozenset(
    "provider doctor dr physician pcp emergency insurance payer facility clinic location visit appointment "  # noqa: SIM905 - easier to read and to add to
    "appt spouse mother father pharmacy referring kin billing policy plan group user username employer "
    "company guarantor guardian parent parents subscriber attending nurse department dept hospital lab order "
    "encounter diagnosis created updated modified admission discharge consent opt since enrolled enrollment "
    "expires expiry expiration until registration registered start end medico doctora seguro emergencia madre "
    "padre esposo esposa conyuge cita proveedor farmacia visita ultima ultimo proxima vet maiden alias former "
    "previous prior contactperson sender staff agent interpreter translator print printed report file upload".split()
)
"""Words of columns about somebody or something else: their values are not the person's."""


def words_of(header: str) -> list[str]:
    """The words of a header, without accents; "GivenName", "given_name" and "Given-Name" are two words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-zA-Z])(?=\d)", " ", header)
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(sign))
    return re.findall(r"[a-z0-9]+", plain.casefold().replace("º", "o").replace("ª", "a"))


def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, words in _SYNONYMS.items():
        for word in words.split("|"):
            found.setdefault("".join(words_of(word)), name)
    return found


_BY_HEADER = _table()


def field_of(header: str) -> tuple[str, int]:
    """The field that a header names and how surely: 3 for the very name, 2 for a name among words that say nothing.

    ("", 0) for a header that names none.
    """
    words = words_of(re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", header)) or words_of(header)
    if name := _BY_HEADER.get("".join(words)):
        return name, 3
    bare = [word for word in words if word not in _NOISE]
    while len(bare) > 1 and bare[-1] in ("1", "01", "no", "num", "number", "id", "code", "nbr"):
        if name := _BY_HEADER.get("".join(bare)):
            return name, 2
        bare = bare[:-1]
    if bare and not about_others(header) and (name := _BY_HEADER.get("".join(bare))):
        return name, 2
    return "", 0


def about_others(header: str) -> bool:
    """Whether a column is about somebody or something else: a provider's telephone, the last visit."""
    return any(word in _OTHERS for word in words_of(header))


def is_number_of_something(header: str) -> bool:
    """Whether a header says that its values are numbers of records, which may look like ZIP codes."""
    return bool({"id", "no", "num", "number", "nbr", "acct", "account", "key", "record", "nr", "code", "count"}
                & set(words_of(header)))  # fmt: skip
