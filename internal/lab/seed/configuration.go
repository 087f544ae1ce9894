package seed

// Configuration is an asset-sync.yaml for the pair as Fill leaves it; addresses
// and logins come from variables, and qa is protected.
const Configuration = `
environments:
  prod: {url: "${SUPERSET_PROD_URL}", login: {username: "${SUPERSET_PROD_USERNAME}", password: "${SUPERSET_PROD_PASSWORD}"}}
  qa: {url: "${SUPERSET_QA_URL}", login: {username: "${SUPERSET_QA_USERNAME}", password: "${SUPERSET_QA_PASSWORD}"}, protected: true}
databases:
  Реєстри: {qa: "Реєстри QA"}
`
