package demo

// service is one service of the company: what its files say and what its people say.
type service struct {
	name, namespace string
	kind            string // of the workload; "" for the Compose project
	image, major    string // image without its tag, and the tag's first number
	port            int
	calls           []string // names of others
	host            string   // its name on the Internet, behind the gateway
	store           bool
	from, until     float64 // part of the story in which the files show it; until 0 is the end

	about    string
	tier     int
	exposure string
	data     []string
	language string
	team     string
	labels   string // facts that only people know
}

// cast are the services in the order in which they are shown.
var cast = []service{
	{name: "edge-gateway", namespace: "edge", kind: "Deployment", image: "registry.kente.example/edge/gateway", major: "1", port: 8443, calls: []string{"payment-api", "accounts-api", "merchant-portal"},
		about: "The one door from the Internet into the cluster.", tier: 1, exposure: "public", data: []string{"internal"}, team: "Platform", labels: "end_users=no passwords=no sign_in=no api_keys=no"},
	{name: "payment-api", namespace: "payments", kind: "Deployment", image: "registry.kente.example/payments/payment-api", major: "4", port: 8080, calls: []string{"ledger", "fraud-scoring", "payments-db", "notifications", "rates"}, host: "pay.kente.example",
		about: "Takes payments from merchants and says how they went.", tier: 1, exposure: "public", data: []string{"payment", "personal"}, language: "Go", team: "Payments", labels: "end_users=no passwords=no sign_in=no"},
	{name: "ledger", namespace: "payments", kind: "Deployment", image: "registry.kente.example/payments/ledger", major: "2", port: 8080, calls: []string{"payments-db"},
		about: "Double-entry books of every cedi that moves.", tier: 1, exposure: "internal", data: []string{"payment"}, language: "Go", team: "Payments", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no"},
	{name: "fraud-scoring", namespace: "payments", kind: "Deployment", image: "registry.kente.example/payments/fraud-scoring", major: "1", port: 9000, calls: []string{"session-cache"},
		about: "Scores each payment before it leaves.", tier: 2, exposure: "internal", data: []string{"payment", "personal"}, language: "Python", team: "Payments", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no keys=no"},
	{name: "payout-worker", namespace: "payments", kind: "Deployment", image: "registry.kente.example/payments/payout-worker", major: "3", port: 8080, calls: []string{"ledger", "payments-db", "notifications"},
		about: "Sends merchants their money every night.", tier: 1, exposure: "internal", data: []string{"payment"}, language: "Go", team: "Payments", labels: "end_users=no passwords=no sign_in=no tokens=no"},
	{name: "payments-db", namespace: "payments", kind: "StatefulSet", image: "postgres", major: "16", port: 5432, store: true,
		about: "PostgreSQL behind the ledger and the payment API.", tier: 1, exposure: "internal", data: []string{"payment", "personal"}, team: "Payments", labels: "repository=no callees=no end_users=no sign_in=no tokens=no api_keys=no"},
	{name: "accounts-api", namespace: "accounts", kind: "Deployment", image: "registry.kente.example/accounts/accounts-api", major: "5", port: 8080, calls: []string{"accounts-db", "kyc-checks", "notifications"}, host: "accounts.kente.example",
		about: "Merchants, their people and their sign-in.", tier: 1, exposure: "public", data: []string{"credentials", "personal"}, language: "Go", team: "Accounts", labels: "api_keys=no"},
	{name: "kyc-checks", namespace: "accounts", kind: "Deployment", image: "registry.kente.example/accounts/kyc-checks", major: "1", port: 8080, calls: []string{"accounts-db"},
		about: "Checks identity papers of new merchants.", tier: 2, exposure: "internal", data: []string{"personal"}, language: "Python", team: "Accounts", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no"},
	{name: "accounts-db", namespace: "accounts", kind: "StatefulSet", image: "postgres", major: "16", port: 5432, store: true,
		about: "PostgreSQL behind accounts and identity checks.", tier: 1, exposure: "internal", data: []string{"credentials", "personal"}, team: "Accounts", labels: "repository=no callees=no end_users=no sign_in=no tokens=no api_keys=no"},
	{name: "merchant-portal", namespace: "shop", kind: "Deployment", image: "registry.kente.example/shop/merchant-portal", major: "7", port: 3000, calls: []string{"accounts-api", "payment-api", "session-cache"}, host: "portal.kente.example",
		about: "What merchants see in the browser.", tier: 2, exposure: "public", data: []string{"personal"}, language: "TypeScript", team: "Product", labels: "api_keys=no keys=no"},
	{name: "notifications", namespace: "shop", kind: "Deployment", image: "registry.kente.example/shop/notifications", major: "2", port: 8080, calls: []string{"session-cache"},
		about: "Mails and text messages.", tier: 2, exposure: "internal", data: []string{"personal"}, language: "TypeScript", team: "Product", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no keys=no"},
	{name: "session-cache", namespace: "shop", kind: "StatefulSet", image: "redis", major: "7", port: 6379, store: true,
		about: "Sessions and rate counters, in memory only.", tier: 3, exposure: "internal", data: []string{"internal"}, team: "Product", labels: "repository=no callees=no end_users=no sign_in=no tokens=no api_keys=no keys=no"},
	{name: "rates-legacy", namespace: "shop", kind: "Deployment", image: "registry.kente.example/shop/rates-legacy", major: "0", port: 8080, until: 0.40,
		about: "Exchange rates, the first version.", tier: 3, exposure: "internal", data: []string{"public"}, language: "PHP", team: "Product", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no keys=no"},
	{name: "rates", namespace: "shop", kind: "Deployment", image: "registry.kente.example/shop/rates", major: "1", port: 8080, from: 0.36,
		about: "Exchange rates.", tier: 3, exposure: "internal", data: []string{"public"}, language: "Go", team: "Product", labels: "end_users=no passwords=no sign_in=no tokens=no api_keys=no keys=no"},
	{name: "instant-loans", namespace: "shop", kind: "Deployment", image: "registry.kente.example/shop/instant-loans", major: "0", port: 8080, from: 0.72, calls: []string{"accounts-api", "payment-api"}, host: "loans.kente.example",
		about: "Small loans against tomorrow's sales; new.", tier: 1, exposure: "public", data: []string{"payment", "personal"}, language: "TypeScript", team: "Product", labels: "api_keys=no"},
	{name: "backoffice", image: "registry.kente.example/office/backoffice", major: "1", port: 8080, calls: []string{"backoffice-db"},
		about: "Where support looks at cases; on a machine of its own.", tier: 2, exposure: "internal", data: []string{"personal"}, language: "Ruby", team: "Platform", labels: "end_users=no api_keys=no"},
	{name: "backoffice-db", image: "postgres", major: "16", port: 5432, store: true,
		about: "PostgreSQL of the back office.", tier: 2, exposure: "internal", data: []string{"personal"}, team: "Platform", labels: "repository=no callees=no end_users=no sign_in=no tokens=no api_keys=no"},
}

// shown reports whether the files show the service at a part of the story.
func (s *service) shown(at float64) bool {
	return at >= s.from && (s.until == 0 || at < s.until)
}

func serviceNamed(name string) *service {
	for i := range cast {
		if cast[i].name == name {
			return &cast[i]
		}
	}
	return nil
}

// person is one of the company.
type person struct {
	key, name, role string
	teams           []string
}

var crew = []person{
	{"ama", "Ama Owusu", "owner", nil},
	{"kofi", "Kofi Mensah", "admin", []string{"Platform"}},
	{"efua", "Efua Boateng", "engineer", []string{"Payments"}},
	{"yaw", "Yaw Darko", "engineer", []string{"Accounts", "Platform"}},
	{"zanele", "Zanele Dube", "engineer", []string{"Product"}},
	{"marie", "Marie Laurent", "consultant", nil},
	{"tunde", "Tunde Bello", "viewer", nil},
}

var teams = []string{"Payments", "Accounts", "Product", "Platform"}

// speaker is who answers for a team.
var speaker = map[string]string{"Payments": "efua", "Accounts": "yaw", "Product": "zanele", "Platform": "yaw"}
