"""The rules whose counts are timed, from easy to hard."""

WOMEN_WITHOUT_SHOT = {
    "match": "all",
    "rules": [
        {"field": "sex", "op": "is", "value": "F"},
        {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        {"event": "encounter", "class": "wellness", "op": "at_least", "times": 1, "from": "2018-01-01"},
        {
            "match": "none",
            "rules": [
                {
                    "event": "immunization",
                    "system": "CVX",
                    "code": "140",
                    "op": "at_least",
                    "times": 1,
                    "from": "2020-09-01",
                }
            ],
        },
    ],
}

RULES = {
    "one_state": {"match": "all", "rules": [{"field": "state", "op": "is", "value": "Kentucky"}]},
    "age_and_consent": {
        "match": "all",
        "rules": [
            {"field": "age", "op": "between", "from": 40, "to": 64},
            {"consent": "marketing", "state": "granted"},
        ],
    },
    "women_without_shot": WOMEN_WITHOUT_SHOT,
    "three_groups": {
        "match": "any",
        "rules": [
            WOMEN_WITHOUT_SHOT,
            {
                "match": "all",
                "rules": [
                    {"field": "city", "op": "in", "value": ["Boise", "Salem"]},
                    {"field": "language", "op": "is", "value": "es"},
                    {"event": "encounter", "class": "emergency", "op": "never"},
                ],
            },
            {
                "match": "none",
                "rules": [
                    {"consent": "marketing", "state": "granted"},
                    {"field": "birth_date", "op": "before", "value": "1990-01-01"},
                ],
            },
        ],
    },
}
