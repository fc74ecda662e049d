"""The words by which mail systems tell why a message did not arrive. Lower case; spaces collapsed.

Collected from reports of some sixty systems and from the manuals of the large providers. A new wording is
added here, to the list it belongs to, with the report it came from in the tests.
"""

import re

SIGN = "\u00a7"
"""What stands for an address while words are read: no word, so that no pattern takes it for one."""

GREYLIST = re.compile(
    r"gr[ae]y-?\s?list|postgrey|milter-greylist|temporarily deferred by gr|"
    r"try again (?:in|after) \d+ (?:second|minute)|first[- ]time.{0,40}try again"
)
FULL = re.compile(
    r"mail ?box (?:is |was )?full|mail ?box.{0,40}(?:is full|exceed|over|limit|size)|over ?-?quota|"
    r"quota.{0,12}exceed|exceed\w*.{0,40}(?:quota|storage|mailbox|mail box)|disk quota|"
    r"out of (?:storage|disk|space)|insufficient (?:system |disk )?(?:storage|space)|"
    r"(?:disk|file system|filesystem).{0,12}full|not enough (?:storage|disk|space|room)|"
    r"storage (?:space|quota|limit)|full mailbox|inbox (?:is )?full|account.{0,20}(?:is )?full|"
    r"user is over|too much mail|mailfolder is full|bo[iî]te.{0,20}pleine|buz[oó]n lleno|"
    r"maximum allowed mailbox|mailbox_?full|has reached its (?:limit|quota)|directory is full|"
    r"no space left"
)
SPAM = re.compile(
    r"\bspam\b|\bspammy\b|spamdetected|spam[- _]?(?:score|filter|content|message|mail|like)|\bube\b|"
    r"\buce\b|unsolicited|bulk (?:e-?)?mail|junk ?mail|message content rejected|content.{0,20}reject|"
    r"scored as|high[- ]probability|looks like (?:spam|junk)|likely suspicious|"
    r"blacklisted (?:url|content)"
)
POLICY = re.compile(
    r"\bdmarc\b|\bspf\b|\bdkim\b|sender ?-?id\b|unauthenticated|"
    r"authentication (?:required|information|failed|checks)|not authenticated|not pass|black-?\s?list|"
    r"block-?\s?list|\brbl\b|dnsbl|spamhaus|\bsorbs\b|spamcop|barracudacentral|"
    r"blocked (?:using|by|for|because|due|from)|"
    r"(?:ip|host|client|server|address).{0,40}(?:blocked|banned|blacklisted|denied)|bloquee? pour|"
    r"reputation|banned|polic(?:y|ies)|"
    r"not (?:allowed|permitted|authori[sz]ed) to (?:send|relay|use|post)|"
    r"relay(?:ing)? (?:access )?(?:denied|not|is not|prohibited)|not.{0,20}to relay|relaying|"
    r"reverse dns|\brdns\b|\bptr\b|\bhelo\b.{0,40}(?:reject|invalid|denied)|ip name lookup|"
    r"hostname.{0,30}(?:reject|resolve|lookup)|mismatches client ip|virus|malware|infected|executable|"
    r"attachment.{0,40}(?:not|reject|block|prohibit)|access denied|mail reject|"
    r"permission (?:to|denied)|not have permission|(?:must|should) (?:authenticate|use tls)|"
    r"authrequired|requires? (?:tls|encryption|authentication)|rate limit|"
    r"too many (?:connections|messages|recipients|errors)|receiving mail at a rate|"
    r"mail(?:s|ing)? (?:rate|volume)|unexpected volume|throttl|\brejected for\b|protocol violation|"
    r"not rfc ?\d* ?(?:compliant|conform)|rfc ?\d+ ?compliant|multiple addresses in from|"
    r"header(?:s)? (?:error|too)|duplicate header|8-bit data|improper use|purported responsible|"
    r"restricted|not accepting (?:mail|messages) from|you are not allowed|members? only|"
    r"only.{0,30}members|refus\w+ by (?:policy|filter|the recipient)|message (?:was )?filtered|"
    r"security"
)
# The stock phrases, which filters and gateways give as well. RFC 5321 has "mailbox unavailable" for policy too.
STOCK_PHRASE = re.compile(
    r"user unknown|unknown user|mailbox unavailable|invalid address|"
    r"(?:account|address|user|mailbox) (?:that )?you tried to reach does not exist"
)
AT_RCPT = re.compile(
    r"(?:reply|response) to (?:the )?rcpt|after rcpt|>>>+ ?rcpt|like our rcpt|<<< 503[^<]{0,12}need rcpt|"
    r"\[rcpt_to\]|smtp:rcpt|does not like recipient|smtp command rcpt"
)
AT_MAIL = re.compile(
    r"(?:reply|response) to (?:the )?mail|after (?:\w+ )?mail from|>>> ?mail from:.{0,330}<<< 5|\[mail_from\]|"
    r"smtp:mail|does not like sender"
)
AT_HELLO = re.compile(
    r"(?:reply|response) to (?:the )?(?:ehlo|helo|initial)|after (?:ehlo|helo|initial connection)|"
    r"initial server greeting|"
    r"connected to .{0,80} but greeting failed"
)
CHALLENGE = re.compile(
    r"not (?:been )?pre-?approved|challenge[- /]?response|confirm (?:that )?you(?:r| are)|verify (?:that )?you are|"
    r"awaiting (?:your )?(?:confirmation|verification)|(?:follow|complete) the instructions"
)
PROTECTION = re.compile(
    r"requiretls|requires? tls|required tls|must issue a starttls|starttls (?:is )?required|not sent over tls|"
    r"encryption (?:is )?(?:required|needed)"
)
AUTHENTICATION = re.compile(
    r"\b(?:dkim|spf|dmarc)\b|unauthenticated|reverse dns|\brdns\b|\bptr\b|authentication level|"
    r"sender.{0,20}not authenticated|not pass.{0,20}authenticat|authentication (?:checks|information)|sender ?-?id\b"
)
# Read with the links, which often carry the only word.
BLOCKLIST = re.compile(
    r"black-?\s?list|block-?\s?list|deny-?\s?list|\brbl\b|\bdns-?[bw]l\b|spamhaus|\bsorbs\b|spamcop|barracudacentral|"
    r"uceprotect|abuseat|mailspike|invaluement|senderscore|spamrats|\buribl\b|\bsurbl\b|"
    # Hotmail's codes of a sender's reputation.
    r"\b(?:sc|rp|dy|ou)-00\d\b|\bs3(?:140|150)\b|psbl\.|\bb[lr]l?\.[a-z]+\.|"
    r"(?:blocked|rejected|refused|denied|listed)\W+(?:using|in|on|at|by) (?:\w+ )?(?:(?:bl|rbl|dnsbl|zen|dbl|"
    r"sbl|xbl|pbl)\b)"
)
_OUR_NAME = (
    r"(?:\bip\b|\bips\b|\bip[- ]?addr(?:ess)?\b|client (?:host|address|ip)|\b(?:your|sending|sender'?s|connecting) "
    r"(?:mail ?)?(?:host(?:name)?|server|mta|network|ip|address|system|domain)\b|\bhelo\b|\behlo\b)"
)
_REFUSED = (
    r"(?:block|banned|\bban\b|blacklist|\blisted\b|denied|deny|reject|refus|reputation|not allowed|invalid|forbidden|"
    r"not authori[sz]ed|not permitted|suspicious|abus|mismatch|must resolve|not resolve)"
)
OUR_HOST = re.compile(
    rf"{_OUR_NAME}[^.;]{{0,60}}{_REFUSED}|{_REFUSED}[^.;]{{0,30}}{_OUR_NAME}|(?:poor|bad|low|sender|ip|"
    rf"domain) reputation|"
    r"blocked using|client host|connections? from \S+ (?:was |is |are )?(?:reject|refus|denied|block|not)"
)
RATE = re.compile(
    r"rate[- ]?limit|throttl|unusual rate|exceeded the (?:rate|limit)|sending.{0,12}too fast|"
    r"too frequent|too many (?:messages|mails|e-?mails|connections|concurrent|errors|sessions|commands|attempts)|"
    r"receiving mail at a rate|"
    r"(?:hourly|daily) (?:limit|quota)|mail(?:s|ing)? (?:rate|volume)|unexpected volume"
)
RECIPIENTS = re.compile(
    r"too many (?:\w+ )?(?:recipients|rcpts?|users|addresses|destinations)|recipients? limit|number of recipients"
)
RELAY = re.compile(
    r"relay(?:ing)? (?:access )?(?:denied|not|is not|prohibited|attempt)|not.{0,20}to relay|relaying|"
    r"unable to relay|do not relay|"
    r"rcpthosts|open relay"
)
# Of a domain. "This user does not accept mail from outside" is a person's rule.
_TAKES_NO_MAIL = (
    r"(?<!user )(?<!users )(?<!recipient )(?<!mailbox )(?<!account )(?<!group )(?<!list )(?<!\u00a7 )(?<!person )"
    r"(?<!address )does not accept (?:e-?)?mail(?! (?:from|of|with|that|by|to|over|larger))"
)
NULL_MX = re.compile(rf"null ?mx|{_TAKES_NO_MAIL}|indicated no smtp service|domain.{{0,20}}accepts no mail")
DNS_FAULT = re.compile(
    r"malformed|unexpected name server reply|servfail|try again|temporar|timed? ?out|server failure|"
    r"name ?server.{0,20}fail"
)
SENDER = re.compile(
    r"(?:sender|mail ?from|envelope|return-?path)[^.;:]{0,60}(?:reject|does not exist|not exist|"
    r"unknown|invalid|verif|not found|denied|refus|unresolv|bad)|"
    r"sender.{0,20}(?:address|domain|verify)|domain of sender|bogus (?:sender|mail from)|"
    r"callout verification|(?<!recipient )verification failed for <?\u00a7|"
    r"can'?t verify sender|(?:your|sending) (?:domain|e-?mail address)|badmailfrom|"
    r"envelope sender is in"
)
SIZE = re.compile(
    r"message (?:is )?too (?:large|big|long)|message size|size (?:limit|exceed)|"
    r"(?:larger|bigger) than|recipsizelimit|exceeds? (?:the |fixed )?(?:maximum|max|size)|too large"
)
# A report that calls itself a delay and means the end: OpenSMTPD says so of what it deletes.
EXPIRED = re.compile(
    r"envelope expired|giving up\b|gave up\b|will not be (?:re)?tried|no (?:more|further) attempts|"
    r"(?:removed|deleted) from (?:the )?queue"
)
# What a scanner or a lawyer hangs below a report, in whole paragraphs; it is nobody's reason.
FOOTER = re.compile(
    r"(?:e-?mail|message|mail|attachments?)\b.{0,60}(?:scanned|checked|screened|swept|certified)\b|"
    r"(?:scanned|checked|screened|protected|filtered|certified) (?:for|by|with|against|as)\b.{0,80}(?:virus|"
    r"spam|malware|threat|secur|scan)|"
    r"(?:virus|spam)[- ]free|no virus(?:es)? (?:was |were )?found|anti-?virus|confidential|disclaimer|intended solely|"
    r"this service is powered by|spam ?filter by"
)
DEFERRED = re.compile(
    r"warning: (?:could not|message|delivery)|"
    r"delivery (?:is |has been |was )?(?:temporarily )?(?:delayed|deferred)|"
    r"will (?:be retried|keep trying|continue|retry|try)|still (?:being retried|trying|in the queue)|"
    r"not yet been delivered|have not yet|this is (?:just |only )?a warning|do not need to resend|"
    r"delayed[ :]|delivery status notification \(delay|no action is required|is (?:delayed|pending)|"
    r"attempts to deliver.{0,60}will continue|has been delayed"
)
TEMPORARY = re.compile(
    r"tempora\w+|try (?:again )?later|timed? ?out|time-?out|too long|expired|in (?:the )?queue too|"
    r"lost connection|connection (?:refused|reset|timed|lost|failed|closed|dropped)|could not connect|"
    r"cannot connect|unable to connect|no route to host|network (?:is )?unreachable|"
    r"service (?:currently )?(?:not )?(?:un)?available|(?:queue|delivery) time|retry time|"
    r"bad connection|system (?:error|problem|failure)|i/o error|internal error|configuration error|"
    r"(?:mail )?loop|hop count|too many hops|routing loop|deferred|undelivered for|"
    r"dns (?:query|lookup|server|error|problem)|improper sequence|essayer plus tard"
)
DISABLED = re.compile(
    r"(?:account|mailbox|user|recipient|address|compte).{0,80}(?:disabled|suspend|inactiv|locked|"
    r"frozen|blocked|bloque|expired|deactivat|on hold)|"
    r"(?:inactive|disabled|suspended|locked|frozen) (?:user|account|mailbox|recipient)|"
    r"not accepting (?:mail|messages)"
)
UNKNOWN_HOST = re.compile(
    r"host (?:or domain (?:name )?)?(?:not found|unknown)|host \S+ not found|"
    r"couldn'?t find a mail exchanger|unknown host|"
    r"domain.{0,30}(?:not found|does not exist|unknown|invalid)|"
    r"(?:invalid|bad|illegal|unknown|unrouteable|no such) (?:host|domain)|nxdomain|no such domain|"
    r"host/domain name found|couldn'?t find any host|no mail exchanger|no mx|"
    rf"{_TAKES_NO_MAIL}|null ?mx|non-?existent domain|unrouteable mail domain|"
    r"all relevant mx records point to non-existent|indicated no smtp service|"
    r"(?:address|host) lookup (?:failed|did not)|no (?:a|mx).{0,20}records?|"
    r"dns error.{0,80}domain name not found|cannot find your recipient'?s.{0,40}server|illegal host"
)
UNKNOWN_USER = re.compile(
    r"\u00a7[>)\]]{0,2}[:;,.]{0,3} (?:(?:is|was|has|been|the|this|user|mailbox|recipient|"
    r"account) ){0,3}(?:unknown|not found|"
    r"does ?n[o']t exist|not exist|doesn't exist|no longer|invalid|not (?:a )?valid|not (?:listed|known|recogni[sz]ed)|"
    r"unavailable|rejected|closed|deleted)|(?:unknown|invalid|bad|no such|reject\w*)[: ]{1,2}<?\u00a7|"
    r"(?:user|recipient|mailbox|address|account|customer|addressee|person|destination|login|alias|"
    r"name|id)s?\b[^.;]{0,60}(?:unknown|not found|n'existe|does ?n[o']t exist|not exist|doesn'?t "
    r"exist|not? longer|no longer|invalid|not (?:a )?valid|not (?:listed|known|recogni[sz]ed|"
    r"registered|local|in (?:the|our))|nonexist|non-exist|unavailable|undeliverable|not available|is "
    r"not here|has (?:been )?(?:closed|terminated|removed|deleted|left))|"
    r"(?:unknown|invalid|bad|illegal|no such|nonexistent|non-existent|unrouteable|undeliverable|not a "
    r"known|not a valid|no valid)[^.;]{0,30}(?:user|recipient|mailbox|address|account|local ?part|"
    r"customer|person|name|destinat)|"
    r"no (?:such )?(?:user|mailbox|mail ?box|recipient|account|person)(?: |\b)|user[_ ]?unknown|"
    r"recip(?:ient)?not ?found|not our (?:user|customer)|this user doesn'?t have|"
    r"(?:doesn'?t|does not) have an? .{0,60}account|(?:recipient )?address (?:was )?reject|"
    r"recipient reject|rejected address|invalid recipient|nosuchuser|"
    r"(?:that )?address (?:is )?not (?:listed|in)|addressee unknown|"
    r"no (?:one|body) (?:by|with|of) that name|didn'?t find|could(?:n'?t| not) be found|wasn'?t found|"
    r"cannot be found|account that you tried to reach (?:does not|is)|not listed in|"
    r"not found in (?:directory|address)|destinataire invalide|usuario desconocido|"
    r"utilisateur inconnu|destinataire inconnu|(?:benutzer|empfänger|teilnehmer) unbekannt|"
    r"unbekannte[rs]? (?:benutzer|empfänger|adresse)|buz[oó]n (?:inexistente|no existe)|"
    r"usuario (?:no existe|inexistente)|"
    r"usu[aá]rio (?:desconhecido|inexistente|n[aã]o existe)|utente sconosciuto|casella inesistente|"
    r"gebruiker onbekend|onbekende gebruiker|destinatario.{0,20}no|has moved|no longer on server|"
    r"unknown or illegal alias|mailbox.{0,15}not found|delivery to this address is restricted$"
)
# Systems that accept any recipient and say "unknown user" only after DATA filter mail; the address lives.
AFTER_DATA = re.compile(
    r"(?:reply to|response to|after|end of|at end of) (?:the )?(?:end of )?data\b|\bdata command|"
    r"smtp command data|>>> ?data\s+<<< 5(?!03)(?!.{0,400}(?:<<< 503|no valid recipient|need rcpt))|"
    r">>> \.\s"
)
END_OF_DATA = re.compile(r"end of (?:the )?data|>>> \.\s")
UNKNOWN_FOR_SURE = re.compile(
    r"(?:user|recipient|mailbox|addressee) ?(?:is )?unknown|"
    r"unknown (?:user|recipient|mailbox|e-?mail)|"
    r"no such (?:user|recipient|mailbox|person|account|address|local user)|invalid recipient|"
    r"(?:user|mailbox|recipient|account|address) (?:you tried to reach )?(?:does not|doesn'?t|did "
    r"not) exist|mailbox (?:not found|unavailable|does not exist)|"
    r"(?:user|recipient|address) not found|not our user|no mailbox (?:here )?by that name|"
    r"destinataire invalide|no longer on server|recipnotfound|recipientnotfound|nosuchuser|"
    r"リストにありません|宛先不明|存在しません|"
    r"見つかりません"
)
MICROSOFT_EDGE = re.compile(r"5\.4\.1\b.{0,120}recipient address rejected: access denied")
SUBJECT_OF_BOUNCE = re.compile(
    r"undeliver|unzustellbar|"
    r"delivery (?:status|failure|fail|problem|report|error|unsuccessful|has failed|to)|"
    r"returned (?:mail|e-?mail)|mail (?:delivery|returned|failure|system error|error)|"
    r"(?:delivery|message|mail) (?:failed|failure)|failure (?:notice|notification|delivery)|"
    r"non-?delivery|could not be delivered|not delivered|notdeliver|nondeliver|rejected mail|"
    r"returning|bounce|user unknown|delivery notification|warning: (?:could not|message)|"
    r"delay(?:ed)? (?:mail|delivery|notif)|was rejected|unknown address|mail could not|can'?t deliver|"
    r"failed mail|メールエラー|エラー|message status|nicht zustellbar|error en la entrega|non remis|"
    r"email error|problem delivering|mail não entregue"
)
FROM_OF_BOUNCE = re.compile(
    r"mailer-?daemon|mail delivery|post_?master|mail_service|mail-?daemon|delivery (?:sub)?system|"
    r"mailsystem|mail system|mail(?:er)? administrator|exchange.{0,20}administrator|"
    r"system administrator|\bmajordomo\b|bounce|microsoft outlook|double-?bounce|smtp.?gateway|"
    r"daemon@|mdaemon|admin@|system_administrator"
)
BODY_OF_BOUNCE = re.compile(
    r"(?:could not|couldn'?t|cannot|can not|can'?t|was not able to|unable to|failed to|wasn'?t able "
    r"to)\s+(?:be )?deliver|not (?:be )?delivered|undeliverable|"
    r"delivery (?:failed|failure|to the following|has failed|of the|is delayed)|"
    r"following (?:address|recipient|user|error|mail|destination)|"
    r"permanent(?:ly)? (?:fatal )?(?:error|failure|rejected|failed)|transcript of session|"
    r"returned (?:to you|below|mail|without)|message was not|did not reach|fatal errors?|"
    r"your (?:message|mail|e-?mail).{0,80}(?:could not|was not|cannot|rejected|returned|not delivered|"
    r"failed)|failed recipient|requested action not taken|smtp error code|"
    r"\b(?:550|551|552|553|554|450|451|452|421)[ -]"
)
AUTO_SUBJECT = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)*(?:auto(?:matic|mated|matische)?[ -]?(?:re(?:ply|sponse|sponder)|"
    r"answer|antwort)|auto:|autoreply|out[ -]of[ -](?:the[ -])?office|ooo\b|vacation (?:reply|"
    r"response|message|notice|autoreply)|(?:away|absent|absence) (?:from (?:the |my )?(?:office|mail|"
    r"e-?mail)|message|notice)|on (?:vacation|holiday|leave)|respuesta autom[aá]tica|fuera de (?:la "
    r")?oficina|abwesenheit|r[eé]ponse automatique|absence du bureau|[^:]{1,80} is (?:currently )?out "
    r"of (?:the )?office|[^:]{1,80} is (?:away|on vacation)\b)",
    re.IGNORECASE,
)
ORIGINAL_FOLLOWS = re.compile(
    r"^(?:-{2,}.{0,60}(?:original|copy|returned|forwarded|undelivered|unsent|message header|below "
    r"this line|transcript of original).*|(?:the )?(?:original|returned) message(?: (?:follows|was(?! received)|"
    r"headers?|text).*)?:?\s*|below this line is a copy.*|.{0,40}this is a copy of (?:the|your) "
    r"message.*|your original message.*|(?:received|return-path|delivered-to|message-id|"
    r"dkim-signature|mime-version):\s.*|headers? of (?:the )?original.*|[- ]*message (?:body|text|"
    r"contents?) follows.*|unsent message below.*|message header:.*|the message headers.*)$",
    re.IGNORECASE,
)
STATUS = re.compile(r"(?<![\d.\w])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
REPLY = re.compile(r"(?<![\d.\w])([45][0-5]\d)(?=[ \-;:,]|$)(?!\.\d)")
ADDRESS = re.compile(r"[^\s<>@\"'()\[\]:;,]{1,64}@[\w.\-]{1,255}|\"[^\"\n]{1,64}\"@[\w.\-]{1,255}")
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized", "dismissal"})
# Where to look for the line that tells most, in this order.
TELLING = (STATUS, REPLY, FULL, SPAM, GREYLIST, UNKNOWN_USER, UNKNOWN_HOST, TEMPORARY, POLICY)

# Local parts that are no person's name, and would tear holes into what a server says.
NO_NAMES = frozenset({"postmaster", "mailer-daemon", "smtp", "mail", "user", "the", "address", "recipient", "not"})
NAME_AFTER = re.compile(
    r"\b((?:unknown|no such|invalid|bad)\s+(?:local )?(?:user|recipient|mailbox|account)s?:?)\s+"
    r"(?!\(|in\b|or\b|for\b)\S+",
    re.IGNORECASE,
)
NAME_BETWEEN = re.compile(
    r"\b(user|mailbox|recipient|account|local part)\s+"
    r"(?!\(|unknown|not|is|was|does|doesn|has|in|or|name|address|no|you|that|table|account|storage|size|full|"
    r"disabled|unavailable|over|quota|could|cannot|can|by|of|on|for|to|at|rejected|invalid|here|here|inbox|failed)\S+",
    re.IGNORECASE,
)


def reply_code(heard: str) -> int:
    """The first three-digit reply code of a text, or 0."""
    found = REPLY.search(heard)
    return int(found.group(1)) if found else 0
